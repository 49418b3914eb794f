package decoder

import "errors"

var errNoBuildID = errors.New("no build-id")

// elfBuildID is the GNU build-id of an ELF file.
func elfBuildID(b *Backing) ([]byte, error) {
	const ntGNUBuildID = 3 // NT_GNU_BUILD_ID
	id, _, err := ELFNote(b.Content(), "GNU", ntGNUBuildID)
	if err == nil && id == nil {
		err = errNoBuildID
	}
	return id, err
}
