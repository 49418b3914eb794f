// Package archive gives random access to the members of a checkpoint archive:
// a tar, plain or compressed, or a directory.
//
// A plain tar is read in place: [Open] walks its headers once and keeps where
// each member begins. A compressed one is expanded once into a file that has
// no name, and is then read like a plain one. Either way a [Member] costs one
// pread to read, and nothing to hold but its name and place.
//
// Every byte is hostile. Names never lead out of the archive, sizes are
// checked against what is there, and what is damaged is said by
// [Archive.Damage] while the rest stays usable.
package archive
