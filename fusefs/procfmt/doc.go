// Package procfmt renders what a checkpoint knows of a process in the formats
// of /proc/pid, byte for byte as the kernel prints them, and the few formats
// of our own that stand beside them. A renderer is named after its file.
package procfmt
