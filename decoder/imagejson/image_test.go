package imagejson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ckptfs/ckptfs/decoder/criu"
	"github.com/ckptfs/ckptfs/decoder/imagejson"
)

// Magics of images that only this package knows by name.
const (
	magicCgroup    criu.Magic = 0x59383330
	magicFIFOData  criu.Magic = 0x59333054
	magicPipesData criu.Magic = 0x56453709
	magicSkQueues  criu.Magic = 0x56264026
	magicTCPStream criu.Magic = 0x51465506
	magicTTYData   criu.Magic = 0x59413026
	magicBPFData   criu.Magic = 0x64324033
	magicOfOurs    criu.Magic = 0x12345678 // no type has it
)

// image is an image of raw entries, and payloads behind them, which begin with
// "=".
func image(magic criu.Magic, parts ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(criu.MagicCommon))
	b = binary.LittleEndian.AppendUint32(b, uint32(magic))
	for _, part := range parts {
		if payload, ok := strings.CutPrefix(part, "="); ok {
			b = append(b, payload...)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// varint, fixed32, fixed64, bytes and group are fields of a message.
func varint(field protowire.Number, v uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v))
}

func fixed32(field protowire.Number, v uint32) string {
	return string(protowire.AppendFixed32(protowire.AppendTag(nil, field, protowire.Fixed32Type), v))
}

func fixed64(field protowire.Number, v uint64) string {
	return string(protowire.AppendFixed64(protowire.AppendTag(nil, field, protowire.Fixed64Type), v))
}

func text(field protowire.Number, v ...string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), strings.Join(v, "")))
}

func group(field protowire.Number, v ...string) string {
	b := protowire.AppendTag(nil, field, protowire.StartGroupType)
	return string(protowire.AppendGroup(b, field, []byte(strings.Join(v, ""))))
}

func packed(field protowire.Number, values ...uint64) string {
	var b []byte
	for _, v := range values {
		b = protowire.AppendVarint(b, v)
	}
	return text(field, string(b))
}

// write is the JSON of an image.
func write(b []byte) (string, error) {
	var w strings.Builder
	err := imagejson.Write(&w, imagejson.Image{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), Name: "x.img", Source: "archive/x.img"})
	return w.String(), err
}

// entries are those of an image as compact JSON.
func entries(t *testing.T, b []byte) string {
	t.Helper()
	out, err := write(b)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Entries json.RawMessage }
	if err := json.Unmarshal([]byte(out), &parsed); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, parsed.Entries); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}

// The form is crit's to the byte.
func TestForm(t *testing.T) {
	got, err := write(image(criu.MagicPstree, varint(1, 7)+varint(2, 1)+varint(5, 7)+varint(5, 8), "", varint(1, 9)))
	want := `{
    "magic": "PSTREE",
    "entries": [
        {
            "pid": 7,
            "ppid": 1,
            "threads": [
                7,
                8
            ]
        },
        {},
        {
            "pid": 9
        }
    ]
}
`
	if got != want || err != nil {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	got, err = write(image(criu.MagicPstree))
	if want := "{\n    \"magic\": \"PSTREE\",\n    \"entries\": []\n}\n"; got != want || err != nil {
		t.Errorf("no entries: %q, %v, want %q", got, err, want)
	}
}

func TestFields(t *testing.T) {
	const files, mm, core = criu.MagicFiles, criu.MagicMM, criu.MagicCore
	inet := func(fields ...string) string { return text(4, fields...) }
	for _, row := range []struct {
		name  string
		magic criu.Magic
		entry string
		want  string
	}{
		{"an enum", files, varint(1, 1), `{"type":"REG"}`},
		{"an enum value of a newer CRIU", files, varint(1, 20), `{"type":"PIDFD"}`},
		{"an enum value without a name", files, varint(1, 99), `{"type":99}`},
		{"a negative enum value", files, varint(1, ^uint64(0)), `{"type":-1}`},
		{"hexadecimal", mm, varint(1, 0x400000), `{"mm_start_code":"0x400000"}`},
		{"hexadecimal below a field marked so", core, text(2, text(2, varint(1, 16)+varint(22, 0))), `{"thread_info":{"gpregs":{"r15":"0x10","fs_base":"0x0"}}}`},
		{"flags", mm, text(14, varint(5, 3)+varint(6, 0x22)+varint(7, 0x80000201)), `{"vmas":[{"prot":"PROT_READ | PROT_WRITE","flags":"MAP_PRIVATE | MAP_ANON","status":"VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_UNSUPP"}]}`},
		{"flags without a name", mm, text(14, varint(5, 0x1001)), `{"vmas":[{"prot":"PROT_READ | 0x1000"}]}`},
		{"no flags", mm, text(14, varint(5, 0)), `{"vmas":[{"prot":""}]}`},
		{"negative numbers", mm, text(14, varint(8, protowire.EncodeZigZag(-1))) + varint(15, ^uint64(0)), `{"vmas":[{"fd":-1}],"dumpable":-1}`},
		{"zigzag", files, text(3, varint(7, protowire.EncodeZigZag(-2))), `{"reg":{"mnt_id":-2}}`},
		{"a number wider than its type", criu.MagicPstree, varint(1, 1<<32|5), `{"pid":5}`},
		{"booleans", mm, varint(17, 2), `{"thp_disabled":true}`},
		{"packed", mm, packed(13, 6, 4096), `{"mm_saved_auxv":[6,4096]}`},
		{"packed and not", mm, varint(13, 6) + packed(13, 4096, 7), `{"mm_saved_auxv":[6,4096,7]}`},
		{"an IPv4 address", files, inet(packed(11, 0x0100007f)), `{"isk":{"src_addr":["127.0.0.1"]}}`},
		{"an IPv6 address", files, inet(packed(12, 0, 0, 0, 1<<24)), `{"isk":{"dst_addr":["::1"]}}`},
		{"an IPv4 address in one of IPv6", files, inet(packed(12, 0, 0, 0xffff0000, 0x0100007f)), `{"isk":{"dst_addr":["::ffff:127.0.0.1"]}}`},
		{"words that are no address", files, inet(packed(11, 1, 2, 3) + packed(12, 1, 2, 3, 4, 5)), `{"isk":{"src_addr":[1,2,3],"dst_addr":[1,2,3,4,5]}}`},
		{"a dictionary", files, inet(varint(3, 2) + varint(4, 1) + varint(5, 0) + varint(6, 10)), `{"isk":{"family":"INET","type":"STREAM","proto":"IP","state":"LISTEN"}}`},
		{"not in the dictionary", files, inet(varint(3, 44)), `{"isk":{"family":44}}`},
		{"a device of the kernel", criu.MagicMountpoints, varint(3, 8<<20|17), `{"root_dev":"8:17"}`},
		{"a device of stat(2)", criu.MagicGhostFile, varint(6, 0x811), `{"rdev":"8:17","extra":""}`},
		{"the states of tasks", core, text(3, varint(1, 3)), `{"tc":{"task_state":"Stopped"}}`},
		{"bytes", magicTTYData, varint(1, 1) + text(2, strings.Repeat("x", 58)), `{"tty_id":1,"data":"` + strings.Repeat("eHh4", 19) + `\neA==\n"}`},
		{"a field of a newer CRIU", criu.MagicInventory, text(12, text(12, "cuda")) + varint(14, 1), `{"plugins_entry":{"plugins":["cuda"]},"allow_uprobes":true}`},

		{
			"unknown fields", criu.MagicPstree, varint(101, 1<<63) + fixed32(102, 1<<31) + fixed64(103, 1<<63) + text(104, "\x00\xff") + group(105, varint(1, 1), group(2)),
			`{"101":9223372036854775808,"102":"0x80000000","103":"0x8000000000000000","104":"AP8=\n","105":"CAETFA==\n"}`,
		},
		{"an unknown field several times", criu.MagicPstree, varint(101, 1) + text(101, "a") + varint(101, 2), `{"101":[1,"YQ==\n",2]}`},
		{"an unknown field in a message", files, text(3, varint(101, 1)), `{"reg":{"101":1}}`},
		{"a field of another wire type", criu.MagicPstree, text(1, "a") + fixed32(2, 1), `{"1":"YQ==\n","2":"0x1"}`},
		{"one of either", criu.MagicPstree, text(1, "a") + varint(1, 5) + text(1, "b"), `{"pid":5,"1":["YQ==\n","Yg==\n"]}`},
		{"a field more often than it may occur", criu.MagicPstree, varint(1, 5) + varint(1, 6), `{"pid":[5,6]}`},
		{"fields out of order", criu.MagicPstree, varint(5, 7) + varint(101, 1) + varint(1, 5) + varint(5, 8), `{"pid":5,"threads":[7,8],"101":1}`},
	} {
		if got := entries(t, image(row.magic, row.entry)); got != "["+row.want+"]" {
			t.Errorf("%s: %s, want [%s]", row.name, got, row.want)
		}
	}
}

// Text is ASCII whatever stands in the image, and a JSON parser gets it back.
func TestStrings(t *testing.T) {
	for _, row := range []struct{ name, want string }{
		{"counters", `"counters"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"\x00\x1b[31m\b\f\n\r\t\x7f", `"\u0000\u001b[31m\b\f\n\r\t\u007f"`},
		{"ü\u202e😀", `"\u00fc\u202e\ud83d\ude00"`},
		{"\xff\\x\u202e", `"\\xff\\\\x\u202e"`},
		{"\xed\xa0\x80", `"\\xed\\xa0\\x80"`}, // half of a surrogate pair
	} {
		got := entries(t, image(criu.MagicUTSNS, text(1, row.name)))
		if want := `[{"nodename":` + row.want + `}]`; got != want {
			t.Errorf("%q: %s, want %s", row.name, got, want)
		}
	}
}

// What crit, that is Python's quopri.encodestring, makes of the name of a UNIX
// socket.
func TestUnixNames(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, want := range map[string]string{
		"\x00abc": "=00abc", "a=b": "a=3Db", "\x7f\xff~": "=7F=FF~", "tab\tx": "tab\tx", " lead": " lead", "end ": "end=20", "end\t": "end=09",
		x(76): x(76), x(77): x(75) + "=\nxx", x(74) + "=": x(74) + "=\n=3D", x(200): x(75) + "=\n" + x(75) + "=\n" + x(50),
		strings.Repeat("\x00", 26): strings.Repeat("=00", 25) + "=\n=00",
		// crit leaves ends of lines alone.
		"a\nb": "a=0Ab",
	} {
		quoted, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := entries(t, image(criu.MagicFiles, text(16, text(11, name))))
		if want := fmt.Sprintf(`[{"usk":{"name":%s}}]`, quoted); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestPayloads(t *testing.T) {
	big := strings.Repeat("x", imagejson.Inline+1)
	for _, row := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"pipes", image(magicPipesData, varint(1, 3)+varint(2, 2), "=ab", varint(2, 0), "="), `{"pipe_id":3,"bytes":2,"extra":"YWI=\n"},{"bytes":0,"extra":""}`},
		{"FIFOs", image(magicFIFOData, varint(2, 1), "=a"), `{"bytes":1,"extra":"YQ==\n"}`},
		{"socket queues", image(magicSkQueues, varint(2, 2), "=ab", varint(2, 1), "=c"), `{"length":2,"extra":"YWI=\n"},{"length":1,"extra":"Yw==\n"}`},
		{"TCP queues", image(magicTCPStream, varint(1, 1)+varint(3, 2), "=abc"), `{"inq_len":1,"outq_len":2,"extra":{"inq":"YQ==\n","outq":"YmM=\n"}}`},
		{"BPF maps", image(magicBPFData, varint(2, 1)+varint(3, 2), "=abc"), `{"keys_bytes":1,"values_bytes":2,"extra":"YWJj\n"}`},
		{"a deleted file", image(criu.MagicGhostFile, varint(3, 0o100644), "=abc"), `{"mode":33188,"extra":"YWJj\n"}`},
		{
			"a deleted file in pieces", image(criu.MagicGhostFile, varint(9, 1)+varint(10, 9), varint(1, 2)+varint(2, 4), "=ab", varint(1, 1)+varint(2, 8), "=c"),
			`{"chunks":true,"size":9},{"len":2,"off":4,"extra":"YWI=\n"},{"len":1,"off":8,"extra":"Yw==\n"}`,
		},
		{
			"semaphores", image(criu.MagicIPCNSSem, varint(2, 3), "=\x01\x00\xff\xff\x02\x00\x00\x00", varint(2, 4), "=\x01\x00\x01\x00\x01\x00\x01\x00", varint(2, 0)),
			`{"nsems":3,"extra":[1,65535,2]},{"nsems":4,"extra":[1,1,1,1]},{"nsems":0,"extra":[]}`,
		},
		{
			"messages", image(criu.MagicIPCNSMsg, varint(3, 2), varint(1, 5)+varint(2, 2), "=ab\x00\x00\x00\x00\x00\x00", varint(1, 6)+varint(2, 8), "=12345678", varint(3, 0)),
			`{"qnum":2,"extra":[{"mtype":5,"msize":2},"YWI=\n",{"mtype":6,"msize":8},"MTIzNDU2Nzg=\n"]},{"qnum":0,"extra":[]}`,
		},
		{"a segment", image(criu.MagicIPCNSShm, varint(2, 3), "=abc\x00", varint(2, 4), "=abcd"), `{"size":3,"extra":"YWJj\n"},{"size":4,"extra":"YWJjZA==\n"}`},
		{"a segment with a pagemap", image(criu.MagicIPCNSShm, varint(2, 3)+varint(3, 1), varint(2, 3)+varint(3, 1)), `{"size":3,"in_pagemaps":true},{"size":3,"in_pagemaps":true}`},

		{
			"long", image(magicPipesData, varint(2, uint64(len(big))), "="+big, varint(2, 1), "=a"),
			`{"bytes":65537,"extra":{"source":"archive/x.img","offset":16,"length":65537}},{"bytes":1,"extra":"YQ==\n"}`,
		},
		{"a long deleted file", image(criu.MagicGhostFile, "", "="+big), `{"extra":{"source":"archive/x.img","offset":12,"length":65537}}`},
		{"long bytes in a field", image(magicTTYData, text(2, big)), `{"data":{"source":"archive/x.img","offset":16,"length":65537}}`},
		{"long bytes in an unknown field", image(magicTTYData, text(101, big)), `{"101":{"source":"archive/x.img","offset":17,"length":65537}}`},
		{"as long as may be", image(magicTTYData, text(2, big[1:])), `{"data":"` + strings.ReplaceAll(lines64(big[1:]), "\n", `\n`) + `"}`},
	} {
		if got := entries(t, row.image); got != "["+row.want+"]" {
			t.Errorf("%s: %.500s, want [%.500s]", row.name, got, row.want)
		}
	}
	// The references are to what they say.
	b := image(magicTTYData, text(2, big))
	if string(b[16:]) != big {
		t.Errorf("%q does not stand at 16", big[:8])
	}
}

func lines64(s string) string {
	var b strings.Builder
	for encoded := base64.StdEncoding.EncodeToString([]byte(s)); encoded != ""; encoded = encoded[min(76, len(encoded)):] {
		b.WriteString(encoded[:min(76, len(encoded))] + "\n")
	}
	return b.String()
}

// What is no image of CRIU's, or one of a type that is not known.
func TestOtherImages(t *testing.T) {
	service := image(criu.MagicStats, text(1, varint(1, 5)))
	binary.LittleEndian.PutUint32(service, uint32(criu.MagicService))
	for _, row := range []struct {
		name, image, magic, entries string
	}{
		{"empty", "", `null`, `[]`},
		{"a letter", "x", `null`, `[{"text":"x"}]`},
		{"text", "*filter\n:INPUT ACCEPT\n", `null`, `[{"text":"*filter\n:INPUT ACCEPT\n"}]`},
		{"bytes", "\x1f\x8b\x08\x00", `null`, `[{"extra":"H4sIAA==\n"}]`},
		{"a terminal's text", "\x1b[31m", `null`, `[{"extra":"G1szMW0=\n"}]`},
		{"long", strings.Repeat("x", imagejson.Inline+1), `null`, `[{"extra":{"source":"archive/x.img","offset":0,"length":65537}}]`},
		{"an unknown type", string(image(magicOfOurs, varint(1, 5)+text(2, "a"))), `"0x12345678"`, `[{"1":5,"2":"YQ==\n"}]`},
		{"without the common magic", string(image(criu.MagicPstree, varint(1, 5))[4:]), `"PSTREE"`, `[{"pid":5}]`},
		{"the service magic", string(service), `"STATS"`, `[{"dump":{"freezing_time":5}}]`},
		{"two magics alone", string(image(criu.MagicPstree)), `"PSTREE"`, `[]`},
	} {
		out, err := write([]byte(row.image))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		var got struct{ Magic, Entries json.RawMessage }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		var list bytes.Buffer
		if err := json.Compact(&list, got.Entries); err != nil {
			t.Fatal(err)
		}
		if string(got.Magic) != row.magic || list.String() != row.entries {
			t.Errorf("%s: magic %s, entries %s, want %s, %s", row.name, got.Magic, list.String(), row.magic, row.entries)
		}
	}
}

// nested is a directory of control groups with others in it.
func nested(depth int) string {
	if depth == 0 {
		return ""
	}
	return text(2, nested(depth-1))
}

// A broken image says where it is.
func TestDamage(t *testing.T) {
	whole := image(criu.MagicMM, varint(1, 5)+packed(13, 6, 4096))
	for _, row := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"the common magic alone", image(0)[:7], "x.img: offset 4: reading the magic"},
		{"cut in an entry", whole[:len(whole)-1], "x.img: offset 8: an entry of 7 bytes where 6 are left"},
		{"cut in a size", whole[:10], "x.img: offset 8: reading the size of an entry"},
		{"a field cut in its number", image(criu.MagicPstree, varint(1, 5)+"\x80"), "x.img: offset 14: a field of an entry: unexpected EOF"},
		{"a field longer than its message", image(criu.MagicFiles, text(3, "\x32\x05ab")), "x.img: offset 14: a field of an entry: unexpected EOF"},
		{"a field of no wire type", image(criu.MagicPstree, "\x0f"), "x.img: offset 12: a field of an entry:"},
		{"field 0", image(criu.MagicPstree, "\x00\x00"), "x.img: offset 12: a field of an entry:"},
		{"a group without an end", image(criu.MagicPstree, "\x0b\x08\x01"), "x.img: offset 12: a field of an entry:"},
		{"the end of a group", image(criu.MagicPstree, "\x0c"), "x.img: offset 12: a field of an entry:"},
		{"a packed number that is cut", image(criu.MagicMM, text(13, "\x06\x80")), "x.img: offset 14: field mm_saved_auxv:"},
		{"words of an address that are cut", image(criu.MagicFiles, text(4, text(11, "\x80"))), "x.img: offset 16: field src_addr:"},
		{"a payload that is not there", image(magicPipesData, varint(2, 1<<32-1), "=abc"), "x.img: offset 18: a payload of 4294967295 bytes where 3 are left"},
		{"a piece of impossible length", image(criu.MagicGhostFile, varint(9, 1), varint(1, 1<<63), "=abc"), "x.img: offset 29: a payload of -9223372036854775808 bytes"},
		{"a segment of impossible size", image(criu.MagicIPCNSShm, varint(2, ^uint64(0)), "=abc"), "x.img: offset 23: a payload of -1 bytes"},
		{"semaphores that are not there", image(criu.MagicIPCNSSem, varint(2, 1<<31)), "x.img: offset 18: a payload of 4294967296 bytes"},
		{"messages that are not there", image(criu.MagicIPCNSMsg, varint(3, 1<<31), varint(2, 1), "=a\x00\x00\x00\x00\x00\x00\x00"), "x.img: offset 32: the end of the image in a queue of 2147483648 messages"},
		{"messages in a broken queue", image(criu.MagicIPCNSMsg, varint(3, 1), "\x80"), "x.img: offset 18: a field of an entry:"},
		{"too deep", image(magicCgroup, text(2, text(2, nested(100)))), "x.img: offset"},
	} {
		_, err := write(row.image)
		var format *criu.FormatError
		if !errors.As(err, &format) || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %q", row.name, err, row.want)
		}
	}
	if out, err := write(image(magicCgroup, text(2, text(2, nested(98))))); err != nil || strings.Count(out, "children") != 98 {
		t.Errorf("98 directories in one another: %d, %v", strings.Count(out, "children"), err)
	}
}

// full is a writer that has room for so many bytes.
type full int

var errFull = errors.New("no room")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > int(*f) {
		return 0, errFull
	}
	*f -= full(len(p))
	return len(p), nil
}

// An image that makes more text than there is room for stops at once, in
// whatever it is.
func TestRoom(t *testing.T) {
	vmas := strings.Repeat(text(14, varint(1, 5)), 1<<20)
	queue := varint(3, 1<<32-1)
	entries := bytes.Repeat([]byte("\x02\x00\x00\x00\x08\x01"), 3<<20) // each of a field 1
	for name, b := range map[string][]byte{
		"many fields":   image(criu.MagicMM, vmas),
		"many entries":  append(image(criu.MagicPstree), entries...),
		"many numbers":  image(criu.MagicMM, text(13, strings.Repeat("\x05", 1<<20))),
		"many messages": append(image(criu.MagicIPCNSMsg, queue), entries...),
	} {
		room := full(1 << 20)
		err := imagejson.Write(&room, imagejson.Image{ReaderAt: bytes.NewReader(b), Size: int64(len(b)), Name: "x.img"})
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want %v", name, err, errFull)
		}
	}
	many := image(criu.MagicPstree, strings.Repeat(varint(101, 1), 3<<20))
	if _, err := write(many); err == nil || !strings.Contains(err.Error(), "too many fields") {
		t.Errorf("3,145,728 fields: error %v", err)
	}
}
