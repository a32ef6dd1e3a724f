package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// disk follows what the system calls of a trace do to the files of a ledger, and tells what a power cut could leave of
// them. It knows more ways to lose data than a good file system on a good disk has, and assumes only this:
//
//   - What was written to a file before an fsync of that file began is on the disk when that fsync has returned.
//   - What is not synced may be there, all, nothing or part of it, in any order. A sector of 512 bytes is written whole or
//     not at all, and writing it harms no other one. What is missing in the middle of a file is zeros.
//   - That a file was created, or removed, is on the disk when a later fsync of its folder has returned. Without that,
//     it takes effect in the order in which it was done, up to some point (as all journalling file systems have it).
//   - The folder itself is there as soon as something in it was synced.
//
// Shared memory (-shm) is left out, since SQLite makes it anew, and so are the lock and its holder's facts, which hold
// nothing of the ledger.
type disk struct {
	folder string
	names  map[string]*fileOnDisk // as processes see them
	synced map[string]*fileOnDisk // as they are on the disk
	moves  []move                 // from synced to names
}

// move is a name that was given to a new file, or taken away.
type move struct {
	by   *call
	name string
	file *fileOnDisk // nil: taken away
}

type fileOnDisk struct {
	synced  []byte
	pending []change
}

// change is a write that may not be on the disk yet, or a cut of the file's length if data is nil.
type change struct {
	by   *call
	at   int64
	data []byte
}

func newDisk(folder string) *disk {
	return &disk{folder: folder, names: map[string]*fileOnDisk{}, synced: map[string]*fileOnDisk{}}
}

// see takes up one moment. Its error is a call whose effect is not known here, which would make everything after it
// worthless.
func (d *disk) see(m moment) error {
	switch m.name {
	case "open", "openat", "creat":
		return d.open(m)
	case "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat":
		return d.rename(m)
	}
	if m.on == d.folder && m.name == "fsync" {
		d.syncNames(m)
	}
	name, ok := d.followed(m.on)
	if !ok {
		return nil
	}
	f := d.names[name]
	switch {
	case m.name == "close":
	case m.name == "mmap" && !strings.Contains(m.args, "PROT_WRITE"):
	case f != nil && (m.name == "fsync" || m.name == "fdatasync"):
		f.sync(m)
	case f != nil && (m.name == "pwrite64" || m.name == "ftruncate"):
		return f.change(m)
	default:
		return fmt.Errorf("a %s of %s, whose effect is not known here", m.name, name)
	}
	return nil
}

// followed gives the name of a ledger's file.
func (d *disk) followed(path string) (name string, ok bool) {
	name = filepath.Base(path)
	return name, filepath.Dir(path) == d.folder &&
		(strings.HasSuffix(name, ".db") || strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-journal"))
}

func (d *disk) open(m moment) error {
	_, path, _ := strings.Cut(strings.TrimSuffix(m.result, ">"), "<")
	name, ok := d.followed(unhex(path))
	switch {
	case !ok || !m.end || d.names[name] != nil && !strings.Contains(m.args, "O_TRUNC"):
	case d.names[name] != nil || m.name == "creat":
		return fmt.Errorf("%s is cut by its opening", name)
	default:
		d.names[name] = &fileOnDisk{}
		d.moves = append(d.moves, move{m.call, name, d.names[name]})
	}
	return nil
}

func (d *disk) rename(m moment) error {
	for _, path := range m.strings {
		name, ok := d.followed(path)
		switch {
		case !ok || !m.end || !m.ok():
		case !strings.HasPrefix(m.name, "unlink"):
			return fmt.Errorf("a %s of %s, whose effect is not known here", m.name, name)
		default:
			delete(d.names, name)
			d.moves = append(d.moves, move{m.call, name, nil})
		}
	}
	return nil
}

func (d *disk) syncNames(m moment) {
	for m.end && m.ok() && len(d.moves) > 0 && d.moves[0].by.ended < m.begun {
		d.moves[0].apply(d.synced)
		d.moves = d.moves[1:]
	}
}

func (m move) apply(names map[string]*fileOnDisk) {
	if m.file == nil {
		delete(names, m.name)
	} else {
		names[m.name] = m.file
	}
}

// change is taken up when a call begins: any of its bytes may be on the disk before it returns.
func (f *fileOnDisk) change(m moment) error {
	if m.end {
		return nil
	}
	at, err := m.last()
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	c := change{by: m.call, at: at}
	if m.name == "pwrite64" {
		c.data = m.data()
		if m.ended > 0 && m.result != fmt.Sprint(len(c.data)) {
			return fmt.Errorf("a write of %d bytes gave %s", len(c.data), m.result)
		}
	}
	f.pending = append(f.pending, c)
	return nil
}

func (f *fileOnDisk) sync(m moment) {
	for m.end && m.ok() && len(f.pending) > 0 && f.pending[0].by.ended > 0 && f.pending[0].by.ended < m.begun {
		f.synced = f.pending[0].apply(f.synced, whole)
		f.pending = f.pending[1:]
	}
}

const sector = 512

// whole lets every sector of a change through.
func whole(int64) bool { return true }

// apply makes a change to a file's content, in those sectors that are to be written.
func (c change) apply(content []byte, written func(sector int64) bool) []byte {
	if c.data == nil {
		return resize(content, c.at)
	}
	for done := int64(0); done < int64(len(c.data)); {
		at := c.at + done
		n := min(sector-at%sector, int64(len(c.data))-done)
		if written(at / sector) {
			content = resize(content, max(int64(len(content)), at+n))
			copy(content[at:], c.data[done:done+n])
		}
		done += n
	}
	return content
}

func resize(content []byte, size int64) []byte {
	if int64(len(content)) >= size {
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// cut gives the files as a power cut at this moment may leave them.
func (d *disk) cut(dice *rand.Rand) map[string][]byte {
	names := maps.Clone(d.synced)
	for _, m := range d.moves[:dice.IntN(len(d.moves)+1)] {
		m.apply(names)
	}
	image := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		image[name] = names[name].cut(dice)
	}
	return image
}

// cut picks one of the ways in which what is pending can be lost.
func (f *fileOnDisk) cut(dice *rand.Rand) []byte {
	content, n := slices.Clone(f.synced), len(f.pending)
	if n == 0 {
		return content
	}
	switch dice.IntN(5) {
	case 0: // nothing of it was written
	case 1: // all of it
		for _, c := range f.pending {
			content = c.apply(content, whole)
		}
	case 2: // all up to a moment, and some of what was being written then
		last := dice.IntN(n)
		for _, c := range f.pending[:last] {
			content = c.apply(content, whole)
		}
		content = f.pending[last].apply(content, torn(dice))
	case 3: // each or not, in any order, now and then torn
		for _, i := range dice.Perm(n) {
			written := whole
			if dice.IntN(4) == 0 {
				written = torn(dice)
			}
			if dice.IntN(2) == 0 {
				content = f.pending[i].apply(content, written)
			}
		}
	case 4: // each sector as it was at a moment of its own
		age := map[int64]int{}
		for i, c := range f.pending {
			if c.data == nil && dice.IntN(2) == 0 {
				continue
			}
			content = c.apply(content, func(sector int64) bool {
				if _, known := age[sector]; !known {
					age[sector] = dice.IntN(n + 1)
				}
				return i < age[sector]
			})
		}
	}
	return content
}

// torn lets the first sectors of one change through, or any of them.
func torn(dice *rand.Rand) func(sector int64) bool {
	if dice.IntN(2) == 0 {
		return func(int64) bool { return dice.IntN(2) == 0 }
	}
	left := dice.IntN(ledgerPage/sector + 1)
	return func(int64) bool { left--; return left >= 0 }
}

// A disk that loses nothing, or what was synced, would prove nothing: of two writes, one synced, each image has the
// first, and among many images the second is there, is not, and is torn. So it is with a file's name.
func TestDisk_losesWhatIsNotSyncedAndNothingElse(t *testing.T) {
	const trace = `1  openat(AT_FDCWD</>, "/l/x.db", O_RDWR|O_CREAT, 0600) = 3</l/x.db>
1  pwrite64(3</l/x.db>, "\x61", 1, 0) = 1
1  fsync(3</l/x.db>) = 0
1  fsync(4</l>) = 0
1  openat(AT_FDCWD</>, "/l/x.db-wal", O_RDWR|O_CREAT, 0600) = 5</l/x.db-wal>
1  pwrite64(3</l/x.db>, "BIG", 1536, 512) = 1536
1  unlink("/l/x.db") = 0
`
	moments, err := parseTrace(strings.NewReader(strings.Replace(trace, "BIG", strings.Repeat(`\x62`, 3*sector), 1)))
	if err != nil {
		t.Fatal(err)
	}
	d := newDisk("/l")
	for _, m := range moments {
		if err := d.see(m); err != nil {
			t.Fatal(err)
		}
	}
	dice, seen := rand.New(rand.NewPCG(1, 1)), map[string]int{}
	for range 1000 {
		image := d.cut(dice)
		data, kept := image["x.db"]
		_, created := image["x.db-wal"]
		if kept && (data[0] != 'a' || len(data) > 1 && len(data) < 2*sector) || !kept && !created {
			t.Fatalf("an image with %q and %d bytes, created %v", data[:1], len(data), created)
		}
		bs := strings.Count(string(data), "b")
		seen[fmt.Sprintf("kept=%v created=%v sectors=%d", kept, created, bs/sector)]++
	}
	for _, created := range []bool{false, true} {
		for sectors := range 4 {
			if key := fmt.Sprintf("kept=true created=%v sectors=%d", created, sectors); seen[key] == 0 {
				t.Errorf("no image of 1000 is %s: %v", key, seen)
			}
		}
	}
	if seen["kept=false created=true sectors=0"] == 0 {
		t.Errorf("in no image of 1000 the file is removed: %v", seen)
	}
}
