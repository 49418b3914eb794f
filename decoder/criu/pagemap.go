package criu

import (
	"errors"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// PageFlags says where the bytes of a page run are.
//
// Source: criu/include/pagemap.h, the PE_ constants.
type PageFlags uint8

// The flags of a page run.
const (
	PageParent         PageFlags = 1 << 0 // PE_PARENT: in the parent checkpoint
	PageLazy           PageFlags = 1 << 1 // PE_LAZY: may be fetched after the restore
	PagePresent        PageFlags = 1 << 2 // PE_PRESENT: in this checkpoint's pages image
	PagePayloadAligned PageFlags = 1 << 3 // PE_PAYLOAD_ALIGNED
)

// PageRun is a run of consecutive pages with one set of flags.
type PageRun struct {
	Addr  uint64 // of the first page, in bytes
	Index uint64 // of the first page in the pages image, in pages; meaningful only if present
	Pages uint32 // number of pages, at least 1
	Flags PageFlags
}

// End is the address behind a run of pages of that size in bytes.
func (r PageRun) End(pageSize int) uint64 { return r.Addr + uint64(r.Pages)*uint64(pageSize) }

// InParent tells whether the pages are to be looked for in the parent
// checkpoint; a run whose pages are here too needs none.
func (r PageRun) InParent() bool { return r.Flags&(PageParent|PagePresent) == PageParent }

// Pagemap is the page index of a process or of a shared-memory object.
type Pagemap struct {
	PagesID uint32 // the pages are in pages-<PagesID>.img
	Runs    []PageRun
	Present uint64 // number of pages in the pages image
}

// ErrCompressedPages is the error of a pagemap whose pages image holds
// compressed blocks (image version 3), which are not supported.
var ErrCompressedPages = errors.New("the pages are stored as compressed blocks (image version 3), which this version cannot read")

// ReadPagemap decodes the pagemap image of that name and size. Runs come in
// the order of the image; whether they overlap is not checked. The error is a
// [*FormatError].
//
// The message is decoded here and not by go-criu, whose pagemap_entry lacks
// the field in which CRIU 4.2 and later put the number of pages:
//
//	field  type    name
//	1      uint64  vaddr
//	2      uint32  compat_nr_pages: the number of pages if field 5 is missing
//	3      bool    in_parent: stands for PE_PARENT if field 4 is missing
//	4      uint32  flags; if neither 3 nor 4 is there, PE_PRESENT
//	5      uint64  nr_pages
//	6      bytes   blocks: sizes of compressed blocks
//
// Only present runs have pages in the pages image, one behind the other
// (criu/pagemap.c:skip_pagemap_pages).
func ReadPagemap(name string, r io.ReaderAt, size int64) (*Pagemap, error) {
	d, err := NewReader(name, r, size, MagicPagemap)
	if err != nil {
		return nil, err
	}
	head, off, err := d.Next()
	if errors.Is(err, io.EOF) {
		return nil, d.Errorf(off, "no entry with the pages id")
	} else if err != nil {
		return nil, err
	}
	fields, err := varints(head)
	if err != nil || !fields.has(1) || fields[1] > math.MaxUint32 {
		return nil, d.Errorf(off, "no pages id in the first entry")
	}
	m := &Pagemap{PagesID: uint32(fields[1])}
	for {
		entry, off, err := d.Next()
		if errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		run, err := pageRun(entry)
		if err != nil {
			return nil, d.Errorf(off, "page run %d: %w", len(m.Runs), err)
		}
		if run.Flags&PagePresent != 0 {
			run.Index = m.Present
			m.Present += uint64(run.Pages)
		}
		m.Runs = append(m.Runs, run)
	}
}

func pageRun(entry []byte) (PageRun, error) {
	f, err := varints(entry)
	if err != nil {
		return PageRun{}, err
	}
	pages := f[2]
	if f.has(5) {
		pages = f[5]
	}
	flags := PagePresent
	switch {
	case f.has(4):
		flags = PageFlags(f[4])
	case f[3] != 0:
		flags = PageParent
	}
	switch {
	case f.has(6) || flags&PagePayloadAligned != 0:
		return PageRun{}, ErrCompressedPages
	case !f.has(1):
		return PageRun{}, errors.New("no address")
	case pages == 0 || pages > math.MaxUint32:
		return PageRun{}, errors.New("impossible number of pages")
	case f[4] > math.MaxUint8:
		return PageRun{}, errors.New("unknown flags")
	}
	return PageRun{Addr: f[1], Pages: uint32(pages), Flags: flags}, nil
}

// fieldValues holds the fields 1 to 6 of a message; the bits of element 0
// tell which were there. A length-delimited field has its length as value.
type fieldValues [7]uint64

func (f *fieldValues) has(field int) bool { return f[0]&(1<<field) != 0 }

func varints(msg []byte) (fieldValues, error) {
	var f fieldValues
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return f, protowire.ParseError(n)
		}
		msg = msg[n:]
		var v uint64
		if typ == protowire.VarintType {
			v, n = protowire.ConsumeVarint(msg)
		} else {
			n = protowire.ConsumeFieldValue(num, typ, msg)
			v = uint64(max(n, 0))
		}
		if n < 0 {
			return f, protowire.ParseError(n)
		}
		msg = msg[n:]
		if num < protowire.Number(len(f)) {
			f[num] = v
			f[0] |= 1 << num
		}
	}
	return f, nil
}
