package decoder

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth is how deep messages may lie in one another; CRIU's do by a few.
const maxDepth = 32

// weight is about how many bytes a message of that type takes once it is
// decoded; a submessage of two encoded bytes takes a hundred and more. Where
// the encoding is damaged or deeper than depth, decoding ends too, and what is
// behind has no weight.
func weight(message protoreflect.MessageDescriptor, encoded []byte, depth int) int64 {
	// Of the generated types: what each message has, a pointer or number, and
	// the header of a slice.
	const empty, word, header = 40, 8, 24
	fields := message.Fields()
	sum := int64(empty + word*fields.Len())
	if depth--; depth < 0 {
		return sum
	}
	for len(encoded) > 0 {
		number, wire, tag := protowire.ConsumeTag(encoded)
		if tag < 0 {
			return sum
		}
		encoded = encoded[tag:]
		if wire != protowire.BytesType {
			n := protowire.ConsumeFieldValue(number, wire, encoded)
			if n < 0 {
				return sum
			}
			sum += max(word, int64(n))
			encoded = encoded[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(encoded)
		if n < 0 {
			return sum
		}
		encoded = encoded[n:]
		field := fields.ByNumber(number)
		switch {
		case field == nil: // which may be numbers as well
			sum += packed(value)
		case field.Message() != nil:
			sum += word + weight(field.Message(), value, depth)
		case field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind:
			sum += header + int64(len(value))
		default:
			sum += packed(value)
		}
	}
	return sum
}

// packed is how many bytes the numbers of a packed list take: a varint ends at
// a byte below 0x80, and others take no more than they do encoded.
func packed(list []byte) int64 {
	const number = 8
	n := 0
	for _, b := range list {
		if b < 0x80 {
			n++
		}
	}
	return int64(max(len(list), number*n))
}
