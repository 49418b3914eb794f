package decoder

import (
	_ "crypto/sha256" // digests that OCI images have
	_ "crypto/sha512"
	"fmt"
	"hash"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/ckptfs/ckptfs/decoder/archive"
)

// checksum holds a member of an OCI image against its digest while it is
// expanded, which costs no read of its own. A tar that is read in place is not
// read as a whole, and so not checked.
type checksum struct {
	want digest.Digest
	size int64
	hash hash.Hash // nil before anything was expanded
	n    int64     // bytes in hash
}

// newChecksum is nil for a member without a digest.
func newChecksum(want digest.Digest, size int64) *checksum {
	if want == "" {
		return nil
	}
	return &checksum{want: want, size: size}
}

// options lets the checksum see what is expanded.
func (c *checksum) options(o archive.Options) archive.Options {
	if c == nil {
		return o
	}
	shown := o.Progress
	o.Progress = func(form string, size int64) io.WriteCloser {
		c.hash = c.want.Algorithm().Hash()
		if shown == nil {
			return writeCloser{c, io.NopCloser(nil)}
		}
		bar := shown(form, size)
		return writeCloser{io.MultiWriter(bar, c), bar}
	}
	return o
}

type writeCloser struct {
	io.Writer
	io.Closer
}

func (c *checksum) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.hash.Write(p)
}

// check says whether what was expanded is what the digest says.
func (c *checksum) check() []error {
	switch {
	case c == nil || c.hash == nil:
		return nil
	case c.n < c.size:
		return []error{fmt.Errorf("its digest is not checked: what is compressed in it ends within the first %d of %d bytes", c.n, c.size)}
	}
	if err := differs(digest.NewDigest(c.want.Algorithm(), c.hash), c.want); err != nil {
		return []error{err}
	}
	return nil
}

func differs(got, want digest.Digest) error {
	if got != want {
		return fmt.Errorf("its digest is %s and not %s: it is not what the image was made of", got, want)
	}
	return nil
}
