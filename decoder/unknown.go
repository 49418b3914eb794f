package decoder

import (
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unknown are the values of a varint field that the message type does not
// have, packed or not.
func unknown(m protoreflect.ProtoMessage, field protowire.Number) (values []uint64) {
	for _, f := range unknownFields(m, field) {
		if f.typ != protowire.BytesType && f.typ != protowire.VarintType {
			continue
		}
		for b := f.value; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
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
	for _, f := range unknownFields(m, field) {
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

func unknownFields(m protoreflect.ProtoMessage, field protowire.Number) (fields []unknownField) {
	for b := m.ProtoReflect().GetUnknown(); len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fields
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(num, typ, b)
		if size < 0 {
			return fields
		}
		value := b[:size]
		b = b[size:]
		if num != field {
			continue
		}
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		fields = append(fields, unknownField{typ, value})
	}
	return fields
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
