package tree

// NewSymlink returns a symbolic link to target. Its permissions are 0777, as
// those of every link on Linux: symlink(7).
func NewSymlink(attr Attr, target string) Symlink {
	return LazySymlink(attr, func() string { return target })
}

// LazySymlink returns a symbolic link whose target is found out each time that
// somebody asks for it, and not kept.
func LazySymlink(attr Attr, target func() string) Symlink {
	attr.Perm = 0o777
	return &symlink{attr, target}
}

type symlink struct {
	attr   Attr
	target func() string
}

func (s *symlink) Attr() Attr     { return s.attr }
func (s *symlink) Target() string { return s.target() }

// LazyMagicLink returns a symbolic link that leads to target, or to object for
// stat(2), and shows text. Where it leads is found out each time that somebody
// asks.
func LazyMagicLink(attr Attr, target, object func() string, text string) MagicLink {
	attr.Perm = 0o777
	return &magicLink{symlink{attr, target}, object, text}
}

type magicLink struct {
	symlink
	object func() string
	text   string
}

func (l *magicLink) Object() string { return l.object() }
func (l *magicLink) Text() string   { return l.text }

// NewSpecial returns a FIFO, a socket or a device; mode is its type as in
// st_mode, such as unix.S_IFIFO.
func NewSpecial(attr Attr, mode, major, minor uint32) Special {
	return &special{attr, mode, major, minor}
}

type special struct {
	attr               Attr
	mode, major, minor uint32
}

func (s *special) Attr() Attr { return s.attr }

func (s *special) Special() (mode, major, minor uint32) {
	return s.mode, s.major, s.minor
}
