package imagejson

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/checkpoint-restore/go-criu/v7/magic"

	"github.com/ckptfs/ckptfs/decoder/criu"
)

// notImages are the magics that no image's entries stand behind.
var notImages = map[string]bool{"IMG_COMMON": true, "IMG_SERVICE": true, "CRTOOLS_IMAGES_V1_1": true, "KDAT": true}

// Each type has the name that go-criu gives its magic, and none is missing.
func TestImageTypes(t *testing.T) {
	names := magic.LoadMagic()
	for m, it := range imageTypes {
		if name := names.ByValue[uint64(m)]; name != it.name && it.name != "PIDFD" { // which is newer
			t.Errorf("%v is %s, for go-criu %q", m, it.name, name)
		}
	}
	for value, name := range names.ByValue {
		if _, ok := imageTypes[criu.Magic(value)]; !ok && !notImages[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// Whatever the schema refers to is in it, and each kind and option of a field
// is one that is written.
func TestSchema(t *testing.T) {
	s := loadSchema()
	for _, it := range imageTypes {
		if s.messages[it.message] == nil || it.rest != "" && s.messages[it.rest] == nil {
			t.Errorf("%s: no message type %s, or %s", it.name, it.message, it.rest)
		}
	}
	for name, m := range s.messages {
		for n, f := range m.fields {
			at := name + "." + f.name
			switch f.kind {
			case protoreflect.MessageKind:
				if s.messages[f.of] == nil {
					t.Errorf("%s: no message type %s", at, f.of)
				}
			case protoreflect.EnumKind:
				if len(s.enums[f.of]) == 0 {
					t.Errorf("%s: no enum %s", at, f.of)
				}
			case protoreflect.BoolKind, protoreflect.StringKind, protoreflect.BytesKind, protoreflect.Fixed64Kind,
				protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Sint32Kind,
				protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind:
			default:
				t.Errorf("%s is a %v", at, f.kind)
			}
			if flags := f.opts.GetFlags(); flags != "" && flagNames[flags] == nil {
				t.Errorf("%s: no names of the flags %s", at, flags)
			}
			if dict := f.opts.GetDict(); dict != "" && dictionaries[dict][f.name] == nil {
				t.Errorf("%s: no dictionary %s", at, dict)
			}
			if conv := f.opts.GetConv(); conv != "" && conv != "unix_name" {
				t.Errorf("%s: an unknown encoding %s", at, conv)
			}
			if n <= 0 {
				t.Errorf("%s: number %d", at, n)
			}
		}
	}
}

// The table of newer fields has nothing that go-criu has by the same name.
func TestNewerFields(t *testing.T) {
	s := librarySchema()
	for name, fields := range newerFields {
		for n, f := range fields {
			if m := s.messages[name]; m != nil && m.fields[n] != nil && m.fields[n].name == f.name {
				t.Errorf("%s.%s: go-criu has it", name, f.name)
			}
		}
	}
	for name, values := range newerValues {
		for n, value := range values {
			if s.enums[name][n] == value {
				t.Errorf("%s.%s: go-criu has it", name, value)
			}
		}
	}
}
