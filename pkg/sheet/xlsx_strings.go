package sheet

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"os"
)

// sharedStrings are the texts that cells of a workbook have by number. They are kept on disk: there may be millions.
type sharedStrings struct {
	texts, ends pages // ends: where each text ends, 8 bytes each
	count       int
}

// readStrings reads the part that holds them.
func readStrings(t *tokens) (s *sharedStrings, err error) {
	s = &sharedStrings{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := errors.Join(s.texts.create(), s.ends.create()); err != nil {
		return s, err
	}
	texts, ends := bufio.NewWriterSize(s.texts.file, pageSize), bufio.NewWriterSize(s.ends.file, pageSize)
	var end uint64
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return s, errors.Join(texts.Flush(), ends.Flush())
		}
		if err != nil {
			return s, &partError{err}
		}
		if start, ok := token.(xml.StartElement); !ok || start.Name.Local != "si" {
			continue
		}
		text, err := stringItem(t)
		if err != nil {
			return s, err
		}
		n, textErr := texts.WriteString(text)
		end += uint64(n)
		_, endErr := ends.Write(binary.LittleEndian.AppendUint64(nil, end))
		if err := errors.Join(textErr, endErr); err != nil {
			return s, err
		}
		s.count++
	}
}

func stringItem(t *tokens) (string, error) {
	var c content
	for {
		token, err := t.next()
		if err != nil {
			return "", &partError{tooEarly(err)}
		}
		ended, err := c.take(token, "si")
		if err != nil {
			return "", &partError{err}
		}
		if ended {
			return unescape(string(c.text)), nil
		}
	}
}

// get gives the text with a number; ok is false if there is none.
func (s *sharedStrings) get(i int) (text string, ok bool, err error) {
	if i < 0 || i >= s.count {
		return "", false, nil
	}
	var place [16]byte
	from := place[8:] // the first text begins at 0
	if i > 0 {
		from = place[:]
	}
	if err := s.ends.read(from, int64(i+1)*8-int64(len(from))); err != nil {
		return "", false, err
	}
	begin, end := binary.LittleEndian.Uint64(place[:8]), binary.LittleEndian.Uint64(place[8:])
	buf := make([]byte, end-begin)
	err = s.texts.read(buf, int64(begin))
	return string(buf), true, err
}

func (s *sharedStrings) close() error { return errors.Join(s.texts.close(), s.ends.close()) }

const (
	pageSize   = 32 << 10
	pagesInUse = 64
)

// pages is a private file that is read in pages, each of which has one place in memory: cells refer to texts mostly in
// the order of their first use.
type pages struct {
	file  *os.File
	path  string
	cache [pagesInUse]struct {
		data []byte
		page int64
	}
}

func (p *pages) create() (err error) {
	p.file, p.path, err = privateFile()
	return err
}

// read fills buf with what begins at offset, all of which must be there.
func (p *pages) read(buf []byte, offset int64) error {
	for len(buf) > 0 {
		page := offset / pageSize
		c := &p.cache[page%pagesInUse]
		if c.data == nil || c.page != page {
			if c.data == nil {
				c.data = make([]byte, pageSize)
			}
			n, err := p.file.ReadAt(c.data[:pageSize], page*pageSize)
			if err != nil && !errors.Is(err, io.EOF) {
				c.page = -1
				return err
			}
			c.data, c.page = c.data[:n], page
		}
		n := copy(buf, c.data[min(int(offset%pageSize), len(c.data)):])
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		buf, offset = buf[n:], offset+int64(n)
	}
	return nil
}

func (p *pages) close() error {
	if p.file == nil {
		return nil
	}
	return closePrivate(p.file, p.path)
}
