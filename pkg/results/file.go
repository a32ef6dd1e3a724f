package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"batchinvite/pkg/invite"
)

// File is a results file on its way: rows go to Partial(path), and Commit or Overwrite ends it. Personal data is in it,
// so only its owner may read it.
type File struct {
	*Writer
	// Kinds are the types that the input's columns had, for a workbook. Columns beyond are of texts.
	Kinds []invite.CellKind

	path    string
	partial *os.File
	sum     hash.Hash // of all bytes written
	whole   string    // where the finished file stands until it gets its name
}

// Committed describes a results file that stands under its final name.
type Committed struct {
	Hash string // SHA-256 of its bytes, in hexadecimal
	Kept string // where the file that stood there before is now, "" if it was not kept
}

// Partial is where the rows of a results file stand until it is whole.
func Partial(path string) string { return path + ".partial" }

// converted is where a workbook is made of the partial file.
func converted(path string) string { return Partial(path) + "-xlsx" }

// Create begins a results file and writes its header, which proves that the place is writable. A partial file that a
// dead run left is replaced. A path that leads to something else than a regular file, such as /dev/null, is refused,
// because it would be replaced at the end.
func Create(path string, header []string, format Format) (*File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write results to %q: not a regular file", path)
	}
	// Removed rather than truncated: the new one must have our permissions and be no link of somebody's.
	leftovers := []string{Partial(path)}
	if IsXLSX(path) {
		leftovers = append(leftovers, converted(path))
	}
	for _, name := range leftovers {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	partial, err := os.OpenFile(Partial(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if IsXLSX(path) {
		format = Format{Rejects: format.Rejects} // what is converted in the end
	}
	f := &File{path: path, partial: partial, sum: sha256.New(), whole: Partial(path)}
	f.Writer, err = Stream(io.MultiWriter(partial, f.sum), header, format)
	if err != nil {
		return nil, errors.Join(err, partial.Close(), os.Remove(partial.Name()))
	}
	return f, nil
}

// Commit gives the file its final name, durably. If another file stands there whose hash is not known (the one that was
// recorded when it was last written, "" if none was), somebody else made or changed it, and it is kept under a name
// with the time in it. After an error the rows are still in a file: the error names it, else it is the partial one.
func (f *File) Commit(known string) (Committed, error) {
	if err := f.finish(); err != nil {
		return Committed{}, err
	}
	kept, err := keep(f.path, known)
	if err != nil {
		return Committed{}, f.rescue(err)
	}
	c, err := f.replace()
	c.Kept = kept
	return c, err
}

// Overwrite is Commit for files that nobody needs to keep: those of rehearsals.
func (f *File) Overwrite() (Committed, error) {
	if err := f.finish(); err != nil {
		return Committed{}, err
	}
	return f.replace()
}

// Flush hands everything written so far to the system, and finds out whether the file can still be found: rows that go
// where nobody will look are no results.
func (f *File) Flush() error {
	if err := f.Writer.Flush(); err != nil {
		return err
	}
	return f.checkPlace()
}

// Close leaves the rows written so far in the partial file: they are evidence. After Commit or Overwrite it does
// nothing.
func (f *File) Close() error {
	if f.partial == nil {
		return nil
	}
	err := errors.Join(f.Flush(), f.partial.Close())
	f.partial = nil
	return err
}

// finish makes the partial file whole and durable, and closes it in any case.
func (f *File) finish() error {
	err := f.Flush()
	if err == nil {
		err = f.partial.Sync()
	}
	if err == nil {
		err = f.checkPlace()
	}
	if err == nil && IsXLSX(f.path) {
		err = f.convert()
	}
	err = cmp.Or(err, f.partial.Close())
	f.partial = nil
	return err
}

// convert makes a workbook of the partial file, which stays until the workbook has its name.
func (f *File) convert() error {
	info, err := f.partial.Stat()
	if err != nil {
		return err
	}
	book, err := os.OpenFile(converted(f.path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.sum.Reset()
	f.whole = book.Name()
	err = convert(io.MultiWriter(book, f.sum), func() io.Reader { return io.NewSectionReader(f.partial, 0, info.Size()) }, f.format.added(), f.Kinds)
	if err == nil {
		err = book.Sync()
	}
	if err = cmp.Or(err, book.Close()); err != nil {
		return errors.Join(err, os.Remove(f.whole))
	}
	return nil
}

// checkPlace finds out whether the folder or the file is gone, or whether another run, on a ledger of its own or
// exporting, has begun the same file meanwhile: renaming would put its half-written rows in place of ours.
func (f *File) checkPlace() error {
	ours, err := f.partial.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(f.partial.Name())
	if err == nil && os.SameFile(ours, there) {
		return nil
	}
	if folder := filepath.Dir(f.path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the folder %q was removed while results were written to it", folder)
		}
		return fmt.Errorf("%s was removed while it was written", f.partial.Name())
	}
	return fmt.Errorf("%s was replaced by somebody else while it was written", f.partial.Name())
}

func (f *File) replace() (Committed, error) {
	if err := os.Rename(f.whole, f.path); err != nil {
		return Committed{}, f.rescue(err)
	}
	err := syncFolder(f.path)
	if f.whole != Partial(f.path) && err == nil {
		err = os.Remove(Partial(f.path))
	}
	return Committed{Hash: hex.EncodeToString(f.sum.Sum(nil))}, err
}

// rescue takes the finished rows out of the way of the next run, which would replace them, and tells where they are.
func (f *File) rescue(cause error) error {
	target := f.path
	if f.whole != Partial(f.path) { // the rows are CSV all the same, and what matters
		target = strings.TrimSuffix(target, filepath.Ext(target)) + ".csv"
		_ = os.Remove(f.whole)
	}
	name, err := setAside(Partial(f.path), target)
	if err != nil {
		return fmt.Errorf("%w; the results are in %s", cause, Partial(f.path))
	}
	// Gone already if it was renamed, and a second name does no harm.
	_ = os.Remove(Partial(f.path))
	return fmt.Errorf("%w; the results are in %s", cause, name)
}

// syncFolder makes the names beside path durable. Windows and some network file systems cannot do that, and it is not
// a reason to call good results lost.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return cmp.Or(err, folder.Close())
}
