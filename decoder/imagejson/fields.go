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

// fields writes those of a message that begins at that offset of the image. m
// is nil where its type is not known. hex says that the field that it stands
// in is marked so, which goes for all numbers below.
func (p *printer) fields(m *message, b []byte, at int64, hex bool, depth int) error {
	if depth > maxDepth {
		return p.errorf(at, "messages nested deeper than %d", maxDepth)
	}
	list, bad, err := newFieldList(b)
	if err != nil {
		return p.errorf(at+int64(bad), "a field of an entry: %w", err)
	}
	for list.first < list.last && p.err == nil {
		run := list.popRun()
		known, number := 0, protowire.Number(0)
		others := 0
		for v := range run.all() {
			number = v.number
			if m.field(v) != nil {
				known++
			} else {
				others++
			}
		}
		if known > 0 {
			if err := p.known(m, m.fields[number], run, known > 1, at, hex, depth); err != nil {
				return err
			}
		}
		if others > 0 {
			p.unknown(m, number, run, others > 1, at)
		}
	}
	return p.err
}

// known writes a field that the message type has: a list if it is one or has
// several values.
func (p *printer) known(m *message, f *field, run fieldList, several bool, at int64, hex bool, depth int) error {
	p.key(f.name)
	if f.opts.GetIpadd() && p.address(f, run) {
		return nil
	}
	list := f.repeated || several
	if list {
		p.open('[')
	}
	for v := range run.all() {
		if m.field(v) != f {
			continue
		}
		if err := p.value(f, v, list, at, hex || f.opts.GetHex(), depth); err != nil {
			return err
		}
	}
	if list {
		p.close(']')
	}
	return nil
}

// value writes a value of a field, or all that are packed in it.
func (p *printer) value(f *field, v fieldValue, list bool, at int64, hex bool, depth int) error {
	at += int64(v.at)
	if f.scalar() {
		for n, err := range f.numbers(v) {
			if err != nil {
				return p.errorf(at, "field %s: %w", f.name, err)
			}
			if list {
				p.element()
			}
			p.number(f, n, hex)
		}
		return nil
	}
	if list {
		p.element()
	}
	switch f.kind {
	case protoreflect.MessageKind:
		p.open('{')
		if err := p.fields(p.messages[f.of], v.value, at, hex, depth+1); err != nil {
			return err
		}
		p.close('}')
	case protoreflect.StringKind:
		p.string(string(v.value))
	default:
		p.blob(f.encoding(), v.value, at)
	}
	return nil
}

// unknown writes a field that the message type does not have, by its number.
func (p *printer) unknown(m *message, number protowire.Number, run fieldList, several bool, at int64) {
	p.key(strconv.Itoa(int(number)))
	if several {
		p.open('[')
	}
	for v := range run.all() {
		if m.field(v) != nil {
			continue
		}
		if several {
			p.element()
		}
		switch v.wire {
		case protowire.VarintType:
			n, _ := protowire.ConsumeVarint(v.value)
			p.literal(strconv.FormatUint(n, 10))
		case protowire.Fixed32Type:
			n, _ := protowire.ConsumeFixed32(v.value)
			p.quoted("%#x", n)
		case protowire.Fixed64Type:
			n, _ := protowire.ConsumeFixed64(v.value)
			p.quoted("%#x", n)
		default:
			p.blob(base64Lines, v.value, at+int64(v.at))
		}
	}
	if several {
		p.close(']')
	}
}
