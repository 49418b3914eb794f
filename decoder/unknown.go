package decoder

import (
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unknown are the values of a varint field that the message type does not
// have, packed or not; of more than any field has, the first.
func unknown(m protoreflect.ProtoMessage, field protowire.Number) (values []uint64) {
	const most = 16
	for f := range unknownFields(m, field) {
		if f.typ != protowire.BytesType && f.typ != protowire.VarintType {
			continue
		}
		for b := f.value; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 || len(values) == most {
				return values
			}
			values, b = append(values, v), b[n:]
		}
	}
	return values
}

// unknownMessage is the encoding of a message field that the message type does
// not have; nil where it is not there.
func unknownMessage(m protoreflect.ProtoMessage, field protowire.Number) (encoded []byte) {
	for f := range unknownFields(m, field) {
		if f.typ == protowire.BytesType {
			encoded = append(encoded, f.value...) // which merges them
		}
	}
	return encoded
}

// unknownField is a field that the message type does not have: of bytes, its
// value is without their length.
type unknownField struct {
	typ   protowire.Type
	value []byte
}

func unknownFields(m protoreflect.ProtoMessage, field protowire.Number) iter.Seq[unknownField] {
	return func(yield func(unknownField) bool) {
		for b := m.ProtoReflect().GetUnknown(); len(b) > 0; {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 {
				return
			}
			b = b[n:]
			size := protowire.ConsumeFieldValue(num, typ, b)
			if size < 0 {
				return
			}
			value := b[:size]
			b = b[size:]
			if num != field {
				continue
			}
			if typ == protowire.BytesType {
				value, _ = protowire.ConsumeBytes(value)
			}
			if !yield(unknownField{typ, value}) {
				return
			}
		}
	}
}

// varints are the fields of an encoded message that are numbers.
func varints(message []byte) iter.Seq2[protowire.Number, uint64] {
	return func(yield func(protowire.Number, uint64) bool) {
		for b := message; len(b) > 0; {
			num, typ, n := protowire.ConsumeField(b)
			if n < 0 {
				return
			}
			if typ == protowire.VarintType {
				_, _, tag := protowire.ConsumeTag(b)
				value, _ := protowire.ConsumeVarint(b[tag:])
				if !yield(num, value) {
					return
				}
			}
			b = b[n:]
		}
	}
}
