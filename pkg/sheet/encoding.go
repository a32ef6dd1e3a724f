package sheet

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

const (
	utf8Name    = "utf-8"
	utf16LEName = "utf-16le"
	utf16BEName = "utf-16be"
	windowsName = "windows-1252"
)

var (
	mark = []byte("\ufeff")

	byteOrderMarks = []struct{ bytes, encoding string }{
		{"\ufeff", utf8Name}, {"\xff\xfe", utf16LEName}, {"\xfe\xff", utf16BEName},
	}

	shownEncodings = map[string]string{utf8Name: "UTF-8", utf16LEName: "UTF-16", utf16BEName: "UTF-16", windowsName: "Windows-1252"}
)

// ParseEncoding gives the proper name of an encoding that is called name in any of the ways that the WHATWG's list has, or
// else IANA's, which knows the code pages of MS-DOS.
func ParseEncoding(name string) (string, error) {
	e, err := htmlindex.Get(name)
	var proper string
	if err == nil {
		proper, err = htmlindex.Name(e)
	} else if e, err = ianaindex.IANA.Encoding(name); err == nil && e != nil {
		proper, err = ianaindex.IANA.Name(e)
	}
	// These two stand for pages that no browser should decode.
	if err != nil || proper == "" || proper == "replacement" || proper == "x-user-defined" {
		return "", fmt.Errorf("%q is not an encoding, use utf-8, windows-1252, iso-8859-2, utf-16le, shift_jis, gb18030 or the like", name)
	}
	return proper, nil
}

// encodingOf takes a proper name.
func encodingOf(name string) (encoding.Encoding, error) {
	if e, err := htmlindex.Get(name); err == nil {
		return e, nil
	}
	return ianaindex.IANA.Encoding(name)
}

// findEncoding goes by a byte order mark, else by what is forced, else by NULs. The mark comes first for the sake of
// results that are fed back with the flags of their input: they have one whenever that was not UTF-8. No detector is asked:
// of a long file whose start is plain ASCII none can tell anything, so what is no UTF-8 is looked at cell by cell.
func (t *text) findEncoding(start []byte, forced string) (err error) {
	marked := ""
	for _, m := range byteOrderMarks {
		if marked == "" && bytes.HasPrefix(start, []byte(m.bytes)) {
			marked = m.encoding
		}
	}
	t.shape.Encoding = cmp.Or(marked, forced, utf16ByNULs(start), utf8Name)
	if forced != "" && forced != t.shape.Encoding {
		t.notices = append(t.notices, fmt.Sprintf("%s: is read as %s, as the mark at its start says, and not as --encoding %s",
			t.snapshot.Name, t.shape.Encoding, forced))
	}
	if t.shape.Encoding != utf8Name {
		t.decoder, err = encodingOf(t.shape.Encoding)
	}
	t.guess = forced == "" && t.decoder == nil
	return err
}

// utf16ByNULs recognises UTF-16 without a mark: the delimiters, line ends and addresses are ASCII in every language, and
// have a NUL in every other place.
func utf16ByNULs(start []byte) string {
	var nuls [2]int // at even and at odd places
	for i, b := range start {
		if b == 0 {
			nuls[i%2]++
		}
	}
	enough := max(len(start)/20, 4)
	switch {
	case nuls[1] >= enough && nuls[0] <= nuls[1]/20:
		return utf16LEName
	case nuls[0] >= enough && nuls[1] <= nuls[0]/20:
		return utf16BEName
	}
	return ""
}

// guessed counts the cells that were decoded by a guess, and keeps the first for a person to judge.
type guessed struct {
	cells, line int
	first       string
}

// decode makes UTF-8 of those cells that are none, as far as they can be Windows-1252.
func (g *guessed) decode(cells []string, line int) {
	for i, cell := range cells {
		if utf8.ValidString(cell) || slices.ContainsFunc([]byte(cell), isUndefined) {
			continue
		}
		decoded, err := charmap.Windows1252.NewDecoder().String(cell)
		if err != nil {
			continue
		}
		cells[i] = decoded
		if g.cells++; g.cells == 1 {
			g.line, g.first = line, decoded
		}
	}
}

// isUndefined: five bytes stand for nothing in Windows-1252. A cell with one is something else, and stays for the checks
// to refuse.
func isUndefined(b byte) bool { return strings.IndexByte("\x81\x8d\x8f\x90\x9d", b) >= 0 }

// notices say what was guessed, if anything was.
func (g *guessed) notices(file string) []string {
	if g.cells == 0 {
		return nil
	}
	number, were := "1 cell is", "was"
	if g.cells > 1 {
		number, were = fmt.Sprintf("%d cells are", g.cells), "were"
	}
	return []string{fmt.Sprintf("%s: %s not UTF-8 and %s read as Windows-1252, the first on line %d: %q; if that looks wrong, name the encoding with --encoding",
		file, number, were, g.line, cut(g.first))}
}
