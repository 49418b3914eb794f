package imagejson

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth is how deep messages may stand in one another: that of the
// protobuf libraries that CRIU and crit use. Directories of control groups are
// the only ones that are nested at will.
const maxDepth = 100

// body is an encoded message.
type body struct {
	*message        // its type; nil for one that is not known
	bytes    []byte // of the message
	at       int64  // where it begins in the image
	hex      bool   // it stands in a field marked so, which goes for all numbers in it
	depth    int    // in how many others it stands
}

// value is the bytes of a value.
func (b *body) value(v fieldValue) []byte { return b.bytes[v.start:v.end] }

// fields writes those of a message.
func (p *printer) fields(b body) error {
	if b.depth > maxDepth {
		return p.errorf(b.at, "messages nested deeper than %d", maxDepth)
	}
	list, bad, err := b.values(b.bytes)
	if err != nil {
		return p.errorf(b.at+int64(bad), "a field of an entry: %w", err)
	}
	for len(list) > 0 && p.err == nil {
		n := 1
		for n < len(list) && list[n].compare(list[0]) == 0 {
			n++
		}
		if list[0].field == nil {
			p.unknown(&b, list[:n])
		} else if err := p.known(&b, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return p.err
}

// known writes the values of a field that the message type has: as a list if
// it is one, or has several.
func (p *printer) known(b *body, values []fieldValue) error {
	f := values[0].field
	p.key(f.name)
	if f.opts.GetIpadd() && p.address(b, values) {
		return nil
	}
	list := f.repeated || len(values) > 1
	if list {
		p.open('[')
	}
	for _, v := range values {
		if err := p.value(b, v, list); err != nil {
			return err
		}
	}
	if list {
		p.close(']')
	}
	return nil
}

// value writes a value of a field, or all that are packed in it.
func (p *printer) value(b *body, v fieldValue, list bool) error {
	f := v.field
	value, at, hex := b.value(v), b.at+int64(v.start), b.hex || f.opts.GetHex()
	if f.scalar() {
		err := f.numbers(value, func(n uint64) {
			if list {
				p.element()
			}
			p.number(f, n, hex)
		})
		if err != nil {
			return p.errorf(at, "field %s: %w", f.name, err)
		}
		return nil
	}
	if list {
		p.element()
	}
	switch f.kind {
	case protoreflect.MessageKind:
		p.open('{')
		if err := p.fields(body{p.messages[f.of], value, at, hex, b.depth + 1}); err != nil {
			return err
		}
		p.close('}')
	case protoreflect.StringKind:
		p.string(string(value))
	default:
		p.blob(f.encoding(), value, at)
	}
	return nil
}

// unknown writes the values of a field that the message type does not have, by
// its number.
func (p *printer) unknown(b *body, values []fieldValue) {
	p.key(strconv.Itoa(int(values[0].number)))
	list := len(values) > 1
	if list {
		p.open('[')
	}
	for _, v := range values {
		if list {
			p.element()
		}
		value := b.value(v)
		switch v.wire {
		case protowire.VarintType:
			n, _ := protowire.ConsumeVarint(value)
			p.literal(strconv.FormatUint(n, 10))
		case protowire.Fixed32Type:
			n, _ := protowire.ConsumeFixed32(value)
			p.quoted("%#x", n)
		case protowire.Fixed64Type:
			n, _ := protowire.ConsumeFixed64(value)
			p.quoted("%#x", n)
		default:
			p.blob(base64Lines, value, b.at+int64(v.start))
		}
	}
	if list {
		p.close(']')
	}
}
