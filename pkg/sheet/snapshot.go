package sheet

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	copyBuffer   = 128 << 10
	snapshotName = "batchinvite-snapshot-"
	leastRow     = 8 // bytes: an address alone has more
)

// Snapshot is a private copy of an input, so that the check and the sending read the same bytes however long the run
// takes and whatever becomes of the file. All methods but Close may be called from many goroutines.
type Snapshot struct {
	Name string // of the input, for messages
	Hash string // SHA-256 of the bytes as they were read, before decompression, in hexadecimal
	Rows int    // about as many as it has, to presize by

	file        *os.File
	size        int64
	loneReturns int    // bytes that are carriage returns without a line feed behind them
	path        string // "" once it is gone from its folder
	table       *table // of the worksheet that is read, if the input is a workbook and has been opened
}

// Copy reads r to its end into a file of mode 0600 in the system's temporary folder, decompressing gzip on the way. The
// file leaves its folder at once where the system lets an open file go, so that a killed run leaves nothing; elsewhere
// Close removes it, or the next Copy. An *Error is the input's fault. Copy returns when ctx is done, even if r blocks;
// the read that blocks then is left behind.
func Copy(ctx context.Context, name string, r io.Reader) (*Snapshot, error) {
	if f, ok := r.(*os.File); ok {
		// Reading a folder has another, darker error on each system.
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, &Error{File: name, Reason: "is a folder, not a file"}
		}
	}
	removeLeftovers()
	file, path, err := privateFile()
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", name, err)
	}
	s := &Snapshot{Name: name, file: file, path: path}
	// Buffered: a copy that nobody waits for any more ends at its next write, as the file is closed by then.
	done := make(chan error, 1)
	go func() { done <- s.fill(r) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = fmt.Errorf("read %s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// removeLeftovers removes what dead runs left. It can't harm a live one: an open file either stays with its owner when
// its name goes, or can't be removed.
func removeLeftovers() {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), snapshotName) {
			_ = os.Remove(filepath.Join(os.TempDir(), e.Name()))
		}
	}
}

func (s *Snapshot) fill(r io.Reader) error {
	hash := sha256.New()
	content, err := decompress(io.TeeReader(r, hash))
	buf := make([]byte, copyBuffer)
	var count lineCount
	for err == nil {
		var n int
		n, err = content.Read(buf)
		if _, err := s.file.Write(buf[:n]); err != nil {
			return fmt.Errorf("copy %s: %w", s.Name, err)
		}
		count.add(buf[:n])
		s.size += int64(n)
	}
	if !errors.Is(err, io.EOF) {
		return unreadable(s.Name, err)
	}
	if s.size == 0 {
		return &Error{File: s.Name, Reason: "is empty"}
	}
	s.Hash = hex.EncodeToString(hash.Sum(nil))
	s.loneReturns = count.loneReturns
	s.Rows = min(count.lineFeeds+count.loneReturns+1, int(s.size/leastRow)+1)
	return nil
}

// decompress looks at the first bytes, as a name says little and stdin has none.
func decompress(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, copyBuffer)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	content, err := gzip.NewReader(in)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return content, err
}

// unreadable leaves out what a PathError says about the path: the name is there already.
func unreadable(name string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{File: name, Reason: "ends too early, as a gzip file does that was cut", err: err}
	}
	return &Error{File: name, Reason: "can't be read: " + err.Error(), err: err}
}

// DropCutLine leaves out a last row that has no end, as a program leaves it that was killed while it wrote CSV. It gives
// the line on which that row begins, 0 if there is none. Nobody else may use the copy meanwhile.
func (s *Snapshot) DropCutLine() (line int, err error) {
	if isZip(s) {
		return 0, nil
	}
	in := bufio.NewReaderSize(s.Reader(), copyBuffer)
	var at, end int64 // end: of the last whole row
	next, lines, quoted := 1, 1, false
	for {
		b, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read the copy of %s: %w", s.Name, err)
		}
		at++
		switch b {
		case '"': // a doubled one changes nothing
			quoted = !quoted
		case '\n':
			if lines++; !quoted {
				end, next = at, lines
			}
		}
	}
	// A quote that was broken long before the end is an error to report, and no reason to leave out what follows.
	if end == s.size || s.size-end > maxRecord {
		return 0, nil
	}
	s.size = end
	return next, nil
}

// Reader reads the copy from its start.
func (s *Snapshot) Reader() *io.SectionReader {
	return io.NewSectionReader(s.file, 0, s.size)
}

// Close gives the copy up. Its readers fail from then on.
func (s *Snapshot) Close() error {
	err := closePrivate(s.file, s.path)
	if s.table != nil {
		err = errors.Join(err, s.table.close())
	}
	return err
}

// lineCount counts line ends in a stream that comes in pieces.
type lineCount struct {
	lineFeeds   int // outside quotes
	loneReturns int // everywhere
	quoted      bool
	last        byte // 0 at the start
}

func (c *lineCount) add(b []byte) {
	if len(b) == 0 {
		return
	}
	last := c.last
	for rest := b; len(rest) > 0; {
		piece, after, quote := bytes.Cut(rest, []byte{'"'})
		if !c.quoted {
			c.lineFeeds += bytes.Count(piece, []byte{'\n'})
		}
		if len(piece) > 0 {
			last = piece[len(piece)-1]
		}
		// Elsewhere, as in 5", a quote opens nothing; behind another one it goes on.
		if quote && (c.quoted || last == 0 || strings.IndexByte("\n\r,;\t|\"\xbf", last) >= 0) {
			c.quoted = !c.quoted
		}
		if rest = after; quote {
			last = '"'
		}
	}
	c.loneReturns += bytes.Count(b, []byte("\r")) - bytes.Count(b, []byte("\r\n"))
	if c.last == '\r' && b[0] == '\n' {
		c.loneReturns--
	}
	c.last = b[len(b)-1]
}
