package imagejson

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// fieldValue is one occurrence of a field in an encoded message.
type fieldValue struct {
	number protowire.Number
	wire   protowire.Type
	value  []byte // what stands behind the tag; of bytes and groups, what is in them
	at     int    // offset of value in the message
}

// fieldList is fields of a message by their numbers, those of one number in
// the order in which they stand. CRIU writes them in that order; for a message
// that has another, the places of its fields are sorted.
type fieldList struct {
	message     []byte
	starts      []int32 // places of the fields; nil where the message is in order
	first, last int     // the part of starts, or of message, that the list is: [first, last)
}

// maxUnordered is how many fields are sorted. There is no message of CRIU's of
// which one would have to be.
const maxUnordered = 1 << 20

// newFieldList lists the fields of a message. The error comes with the offset
// at which the message is none.
func newFieldList(message []byte) (list fieldList, bad int, err error) {
	inOrder, count := true, 0
	last := protowire.Number(0)
	for at := 0; at < len(message); count++ {
		number, _, n := protowire.ConsumeField(message[at:])
		if n < 0 {
			return fieldList{}, at, protowire.ParseError(n)
		}
		inOrder = inOrder && last <= number
		last = number
		at += n
	}
	switch {
	case inOrder:
		return fieldList{message: message, last: len(message)}, 0, nil
	case count > maxUnordered:
		return fieldList{}, 0, errors.New("too many fields that are out of order")
	}
	return fieldList{message, sortedStarts(message), 0, count}, 0, nil
}

func sortedStarts(message []byte) (starts []int32) {
	for at := 0; at < len(message); {
		starts = append(starts, int32(at))
		_, _, n := protowire.ConsumeField(message[at:])
		at += n
	}
	number := func(at int32) protowire.Number {
		n, _, _ := protowire.ConsumeTag(message[at:])
		return n
	}
	slices.SortStableFunc(starts, func(a, b int32) int { return cmp.Compare(number(a), number(b)) })
	return starts
}

// pop takes the first field off a list that is not empty.
func (l *fieldList) pop() fieldValue {
	at := l.first
	if l.starts != nil {
		at = int(l.starts[l.first])
	}
	v := fieldValue{at: at}
	n := 0
	v.number, v.wire, n = protowire.ConsumeTag(l.message[at:])
	v.at += n
	size := protowire.ConsumeFieldValue(v.number, v.wire, l.message[v.at:])
	if l.starts == nil {
		l.first = v.at + size
	} else {
		l.first++
	}
	v.value = l.message[v.at:][:size]
	switch v.wire {
	case protowire.BytesType:
		v.value, _ = protowire.ConsumeBytes(v.value)
		v.at += size - len(v.value)
	case protowire.StartGroupType:
		v.value, _ = protowire.ConsumeGroup(v.number, v.value)
	}
	return v
}

// popRun takes the fields off the list that have the number of the first.
func (l *fieldList) popRun() fieldList {
	run := *l
	number := l.pop().number
	run.last = l.first
	for l.first < l.last && l.pop().number == number {
		run.last = l.first
	}
	l.first = run.last
	return run
}

// all are the fields of the list.
func (l fieldList) all() iter.Seq[fieldValue] {
	return func(yield func(fieldValue) bool) {
		for l.first < l.last && yield(l.pop()) {
		}
	}
}
