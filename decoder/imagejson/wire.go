package imagejson

import (
	"cmp"
	"errors"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// fieldValue is one occurrence of a field in an encoded message.
type fieldValue struct {
	field      *field // nil where the message type has none of that number and wire type
	number     protowire.Number
	wire       protowire.Type
	start, end int32 // the value in the message; of bytes and groups, what is in them
}

// maxFields is how many fields a message may have. An mm image has one for
// each mapping, of which no more can stand in an entry ([criu.MaxEntry]).
const maxFields = 2 << 20

// values are the fields of an encoded message by their numbers, those of one
// number in the order in which they stand, but the known before the others. The
// error comes with the offset at which the message is none.
func (m *message) values(message []byte) (list []fieldValue, bad int, err error) {
	list = make([]fieldValue, 0, min(len(message)/2, 16))
	for at := 0; at < len(message); {
		if len(list) == maxFields {
			return nil, at, errors.New("too many fields in a message")
		}
		number, wire, tag := protowire.ConsumeTag(message[at:])
		if tag < 0 {
			return nil, at, protowire.ParseError(tag)
		}
		value := message[at+tag:]
		n := protowire.ConsumeFieldValue(number, wire, value)
		if n < 0 {
			return nil, at, protowire.ParseError(n)
		}
		v := fieldValue{m.field(number, wire), number, wire, int32(at + tag), int32(at + tag + n)}
		switch wire {
		case protowire.BytesType:
			_, size := protowire.ConsumeVarint(value)
			v.start += int32(size)
		case protowire.StartGroupType:
			content, _ := protowire.ConsumeGroup(number, value)
			v.end = v.start + int32(len(content))
		default:
		}
		list = append(list, v)
		at += tag + n
	}
	if !slices.IsSortedFunc(list, fieldValue.compare) {
		slices.SortStableFunc(list, fieldValue.compare)
	}
	return list, 0, nil
}

func (v fieldValue) compare(w fieldValue) int {
	if v.number == w.number && v.field != w.field {
		if v.field != nil {
			return -1
		}
		return 1
	}
	return cmp.Compare(v.number, w.number)
}

// numbers calls yield for each number of a field of them: one, or those that
// are packed in it.
func (f *field) numbers(value []byte, yield func(uint64)) error {
	consume := protowire.ConsumeVarint
	if f.wireType() == protowire.Fixed64Type {
		consume = protowire.ConsumeFixed64
	}
	for len(value) > 0 {
		x, n := consume(value)
		if n < 0 {
			return protowire.ParseError(n)
		}
		yield(x)
		value = value[n:]
	}
	return nil
}
