package main

import "fmt"

// mountOptions are those of -o.
type mountOptions struct {
	allowOther   bool
	rawLinks     bool
	fakeBuildIDs bool
}

// parseOptions understands the options of ckptfs, and those that fstab(5) and
// mount(8) pass on and that say nothing new.
func parseOptions(list []string) (mountOptions, error) {
	var o mountOptions
	for _, option := range list {
		switch option {
		case "allow_other":
			o.allowOther = true
		case "links=raw":
			o.rawLinks = true
		case "links=confined":
			o.rawLinks = false
		case "fake-build-ids":
			o.fakeBuildIDs = true
		case "", "defaults", "nofail", "ro", "nosuid", "nodev", "noexec":
		default:
			return o, fmt.Errorf("unknown mount option %q", option)
		}
	}
	return o, nil
}
