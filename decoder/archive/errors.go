package archive

import "fmt"

// FormatError says where an archive does not have the form it should have.
type FormatError struct {
	Offset int64 // in the tar, in bytes; in a compressed archive, in what it expands to
	Err    error
}

func (e *FormatError) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }

func (e *FormatError) Unwrap() error { return e.Err }

// MemberError says which byte of a member could not be read.
type MemberError struct {
	Member string
	Offset int64 // in the member, in bytes
	Err    error
}

func (e *MemberError) Error() string {
	return fmt.Sprintf("%s: offset %d: %v", quote(e.Member), e.Offset, e.Err)
}

func (e *MemberError) Unwrap() error { return e.Err }

// SpoolError says that a compressed archive could not be expanded for want of
// a place to expand it to.
type SpoolError struct {
	Dir string
	Err error
}

func (e *SpoolError) Error() string {
	return fmt.Sprintf("cannot expand it into %s: %v (choose another directory with --spool-dir)", e.Dir, e.Err)
}

func (e *SpoolError) Unwrap() error { return e.Err }

// NotArchiveError says what a file is that is no archive.
type NotArchiveError struct{ What string }

func (e *NotArchiveError) Error() string {
	return e.What + ", not an archive: give a tar (plain, gzip, bzip2, xz or zstd) or a directory"
}

// maxDamage bounds the list of damage: a hostile archive may have a fault in
// each of a million headers.
const maxDamage = 1000

// damage collects what was found wrong with an archive.
type damage struct {
	errs []error
	more int  // not in errs
	lost bool // members, or what they were
}

// add adds what cost members.
func (d *damage) add(err error) {
	d.lost = true
	d.note(err)
}

// note adds what cost nothing.
func (d *damage) note(err error) {
	if d.full() {
		d.more++
		return
	}
	d.errs = append(d.errs, err)
}

// addf adds a [*FormatError].
func (d *damage) addf(offset int64, format string, args ...any) {
	d.add(&FormatError{offset, fmt.Errorf(format, args...)})
}

func (d *damage) full() bool { return len(d.errs) >= maxDamage }

// list is everything that was added, in order.
func (d *damage) list() []error {
	if d.more == 0 {
		return d.errs
	}
	return append(d.errs[:len(d.errs):len(d.errs)], fmt.Errorf("%d more faults, not listed", d.more))
}

// quote quotes a name for an error. Names may be of any bytes and length.
func quote(name string) string {
	const most = 300
	if len(name) > most {
		return fmt.Sprintf("%q...", name[:most])
	}
	return fmt.Sprintf("%q", name)
}
