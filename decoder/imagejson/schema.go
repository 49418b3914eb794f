package imagejson

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/opts"
)

// schema is what is known of CRIU's messages: what go-criu was generated from,
// and what CRIU 4.2 has beyond that.
type schema struct {
	messages map[string]*message
	enums    map[string]map[int32]string
}

// message is a type of messages. The methods of nil are those of an unknown
// one.
type message struct {
	fields map[protowire.Number]*field
}

// field is a field of a message.
type field struct {
	name     string
	kind     protoreflect.Kind
	repeated bool
	of       string          // its type, for messages and enums
	opts     *opts.CRIU_Opts // how it is shown; nil for as it is
}

// field is the field of that number and wire type, or nil.
func (m *message) field(number protowire.Number, wire protowire.Type) *field {
	if m == nil {
		return nil
	}
	f := m.fields[number]
	if f == nil || f.wireType() != wire && (!f.repeated || !f.scalar() || wire != protowire.BytesType) {
		return nil
	}
	return f
}

// wireType is how the field is encoded where it is not packed.
func (f *field) wireType() protowire.Type {
	switch f.kind {
	case protoreflect.MessageKind, protoreflect.BytesKind, protoreflect.StringKind:
		return protowire.BytesType
	case protoreflect.Fixed64Kind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// scalar tells whether the field is a number, many of which can be packed.
func (f *field) scalar() bool { return f.wireType() != protowire.BytesType }

var loadSchema = sync.OnceValue(func() *schema {
	s := librarySchema()
	for name, fields := range newerFields {
		if s.messages[name] == nil {
			s.messages[name] = &message{make(map[protowire.Number]*field)}
		}
		for n, f := range fields {
			s.messages[name].fields[n] = f
		}
	}
	for name, values := range newerValues {
		for n, value := range values {
			s.enums[name][n] = value
		}
	}
	return s
})

// librarySchema is what go-criu knows.
func librarySchema() *schema {
	s := &schema{messages: make(map[string]*message), enums: make(map[string]map[int32]string)}
	for _, t := range imageTypes {
		s.add(t.message)
		s.add(t.rest)
	}
	s.add("ipc_msg") // in the payload of ipc_msg_entry
	return s
}

// add adds a message type of go-criu, if that has it, and those of its fields.
func (s *schema) add(name string) {
	d, _ := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	md, ok := d.(protoreflect.MessageDescriptor)
	if !ok || s.messages[name] != nil {
		return
	}
	m := &message{make(map[protowire.Number]*field)}
	s.messages[name] = m
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		f := &field{name: string(fd.Name()), kind: fd.Kind(), repeated: fd.IsList()}
		f.opts, _ = proto.GetExtension(fd.Options(), opts.E_Criu).(*opts.CRIU_Opts)
		if of := fd.Message(); of != nil {
			f.of = string(of.FullName())
			s.add(f.of)
		} else if of := fd.Enum(); of != nil {
			f.of = string(of.FullName())
			s.enums[f.of] = enumValues(of)
		}
		m.fields[fd.Number()] = f
	}
}

func enumValues(d protoreflect.EnumDescriptor) map[int32]string {
	values := make(map[int32]string)
	for i := range d.Values().Len() {
		v := d.Values().Get(i)
		values[int32(v.Number())] = string(v.Name())
	}
	return values
}
