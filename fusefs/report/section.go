package report

import "bufio"

// Section is a part of the summary that is written only if asked for.
type Section string

// The sections.
const (
	Files       Section = "files"
	Sockets     Section = "sockets"
	Mounts      Section = "mounts"
	Environment Section = "env"
	Metadata    Section = "metadata"
)

// Sections are all of them, and what is in them, in the order in which they
// are written.
var Sections = []struct {
	Name Section
	What string
}{
	{Files, "the open files of the processes"},
	{Sockets, "the sockets, and who holds them"},
	{Mounts, "the mounts, and those that the engine asked for"},
	{Environment, "the environment of the processes"},
	{Metadata, "the command that created the container, labels and annotations"},
}

// parts are the parts of the summary in order: always there, or in a section.
var parts = []struct {
	on    Section
	write func(*bufio.Writer, *summary)
}{
	{"", writeHeader},
	{"", writeContents},
	{"", writeSecurity},
	{"", writeNamespaces},
	{"", writeTree},
	{Files, writeFiles},
	{Sockets, writeSockets},
	{Mounts, writeMounts},
	{Environment, writeEnvironment},
	{Metadata, writeMetadata},
}
