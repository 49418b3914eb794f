// Package imagejson shows an image of CRIU as JSON, in the form of `crit show`
// of CRIU 4.2, so that what was written for that reads this:
//
//	{
//	    "magic": "PSTREE",
//	    "entries": [
//	        {
//	            "pid": 1,
//	            ...
//
// A field stands by its name, and only if the image has it; the options of
// CRIU's .proto files say how: in hexadecimal, as names of flags, as an
// address, as a device. Bytes are in base64 or, names of UNIX sockets, quoted-
// printable. The payload of an entry is its field "extra".
//
// It differs from crit where crit is wrong or would hide something:
//
//   - A field that the message type does not have is shown too, by its
//     number: a varint as a number, 32 and 64 fixed bits in hexadecimal,
//     bytes in base64.
//   - A field that occurs more often than it may, or is of another wire type
//     than it should be, is not dropped: it becomes a list, or stands by its
//     number.
//   - Bytes of more than [Inline] are not in the text, but where they are: in
//     which file of the mount, at which offset, how many.
//   - Task states are CRIU's (compel/include/uapi/task-state.h). crit calls a
//     stopped task a zombie, and the other way round.
//   - A SysV segment whose pages have a pagemap has no payload; crit takes the
//     entries behind it for one.
//   - An enum value that has no name is its number, and words that are no IP
//     address are numbers.
//   - An entry may lack fields that its type requires. crit then refuses the
//     image.
//   - A string that is not UTF-8 has each backslash doubled and each such byte
//     as \xNN. Whatever is not printable ASCII is a JSON escape, so that what a
//     terminal would obey it does not get to see.
//   - An image without a magic, as ip(8) and iptables-save(8) write them, which
//     crit refuses, has null for a magic, and one entry: its "text" if it is
//     one, or else as "extra" its bytes.
//
// The image is read entry by entry and the text written as it comes into
// being. No message is built: what a hostile image says of itself decides
// nothing but how much text there is, and that bounds the writer.
package imagejson
