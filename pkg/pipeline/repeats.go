package pipeline

import (
	"fmt"
	"hash/maphash"
	"strings"

	"batchinvite/pkg/invite"
)

// Repeats finds the keys that stand more than once, in two passes. The first keeps a hash of each key, 16 bytes a row,
// and learns which hashes come again. The second confirms each of those by the exact key, so that a collision costs
// nothing, and keeps an owner from its first line to its last copy.
type Repeats struct {
	seed   maphash.Seed
	set    []uint64       // open addressing, 0 = free, at most half full
	used   int            // places taken in set
	copies map[uint64]int // of hashes that came again: how often they stand in the file

	owners map[invite.Key]*owner
}

// owner is the first valid row of a key that stands more than once. The reader makes it; its result is written and read
// by the writer alone, which meets the owner before its duplicates.
type owner struct {
	origin  invite.Origin
	name    string
	format  invite.Format
	status  invite.Status
	link    string
	reached bool
}

// NewRepeats makes room for rows keys; more are taken too, at the price of a copy.
func NewRepeats(rows int) *Repeats {
	return &Repeats{
		seed:   maphash.MakeSeed(),
		set:    make([]uint64, max(2*rows, 16)),
		copies: make(map[uint64]int),
		owners: make(map[invite.Key]*owner),
	}
}

// Seen is the first pass: it counts a key and tells whether it came before.
func (r *Repeats) Seen(k invite.Key) bool {
	h := r.hash(k)
	if !r.insert(h) {
		r.copies[h] = max(r.copies[h], 1) + 1
		return true
	}
	return false
}

// Has tells whether a key came before, up to a collision of hashes.
func (r *Repeats) Has(k invite.Key) bool {
	h := r.hash(k)
	for i := h % uint64(len(r.set)); ; i = (i + 1) % uint64(len(r.set)) {
		if r.set[i] == 0 || r.set[i] == h {
			return r.set[i] == h
		}
	}
}

// Freeze ends the first pass and lets its memory go.
func (r *Repeats) Freeze() { r.set, r.used = nil, 0 }

// own is the second pass: it gives the owner of a valid row's key, nil if the key stands once, and whether the row is
// that owner.
func (r *Repeats) own(row invite.Row) (o *owner, first bool) {
	h := r.hash(row.Candidate.Key)
	left, repeated := r.copies[h]
	if !repeated {
		return nil, false
	}
	o = r.owners[row.Candidate.Key]
	if o == nil {
		// A field of a row holds on to the whole row's text: a file whose every person stands twice must not end up in memory.
		o, first = &owner{origin: row.Origin, name: strings.Clone(row.Candidate.Name), format: row.Candidate.Format}, true
		key := row.Candidate.Key
		key.Email = strings.Clone(key.Email)
		r.owners[key] = o
	}
	if r.copies[h] = left - 1; left == 1 {
		delete(r.copies, h)
		delete(r.owners, row.Candidate.Key)
	}
	return o, first
}

// Duplicate is a valid row whose person an earlier row owns.
type Duplicate struct {
	Row   invite.Row
	First invite.Origin
	// Differs says what the two do not agree in, "" if in nothing that counts, and Detail how.
	Differs, Detail string
}

// Duplicates is a second pass that sends nothing: it tells of every duplicate. It uses r up.
func (r *Repeats) Duplicates(rows Rows, tell func(Duplicate)) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		if row.Problem != nil {
			continue
		}
		if o, first := r.own(row); o != nil && !first {
			differs, detail := o.differs(row.Candidate)
			tell(Duplicate{Row: row, First: o.origin, Differs: differs, Detail: detail})
		}
		if len(r.copies) == 0 {
			break
		}
	}
	return nil
}

// differs says what another row of the same person has that the owner has not.
func (o *owner) differs(c invite.Candidate) (what, detail string) {
	switch {
	case c.Name != o.name:
		return "another name", fmt.Sprintf("%q there, %q here", o.name, c.Name)
	case c.Format != o.format:
		return "another format", fmt.Sprintf("%s there, %s here", o.format, c.Format)
	}
	return "", ""
}

func (r *Repeats) hash(k invite.Key) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	maphash.WriteComparable(&h, k)
	return max(h.Sum64(), 1)
}

func (r *Repeats) insert(h uint64) bool {
	if 2*(r.used+1) > len(r.set) {
		old := r.set
		r.set, r.used = make([]uint64, 2*len(old)), 0
		for _, o := range old {
			if o != 0 {
				r.insert(o)
			}
		}
	}
	for i := h % uint64(len(r.set)); ; i = (i + 1) % uint64(len(r.set)) {
		switch r.set[i] {
		case 0:
			r.set[i] = h
			r.used++
			return true
		case h:
			return false
		}
	}
}
