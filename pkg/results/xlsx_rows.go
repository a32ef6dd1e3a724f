package results

import (
	"bufio"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// sheetXML writes the rows of a worksheet. What goes wrong comes from Flush.
type sheetXML struct {
	*bufio.Writer
	book *workbook
	refs []string // the cells with links, in the order of the book's links
}

// put writes XML as it is.
func (s *sheetXML) put(text string) { _, _ = s.WriteString(text) }

// numbered are the result columns that hold numbers.
var numbered = []string{"invite_assessment_id", "invite_candidate_id", "invite_report_id", "invite_attempts"}

// row writes one record, the header if it is the first.
func (s *sheetXML) row(row int, cells []string) error {
	fmt.Fprintf(s, `<row r="%d">`, row)
	own := len(cells) - len(s.book.added)
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		ref, err := excelize.CoordinatesToCellName(i+1, row)
		if err != nil {
			return err
		}
		switch {
		case row == 1:
			s.text(ref, s.book.styles.header, cell)
		case i < own:
			kind := invite.TextCells
			if i < len(s.book.kinds) {
				kind = s.book.kinds[i]
			}
			s.own(ref, kind, cell)
		default:
			s.result(ref, s.book.added[i-own], cell)
		}
	}
	s.put("</row>")
	return nil
}

// own writes a cell of the input's, with the type that it had as long as the same text comes back.
func (s *sheetXML) own(ref string, kind invite.CellKind, cell string) {
	switch kind {
	case invite.NumberCells:
		if f, err := strconv.ParseFloat(cell, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == cell {
			s.number(ref, 0, cell)
			return
		}
	case invite.DateCells:
		for layout, style := range map[string]int{time.DateOnly: s.book.styles.date, invite.WireTime: s.book.styles.minute} {
			if serial := serial(cell, layout); serial != "" {
				s.number(ref, style, serial)
				return
			}
		}
	}
	s.text(ref, 0, cell)
}

// serial is the date in days since Excel's beginning, "" for dates that it has not or shows in another way.
func serial(text, layout string) string {
	t, err := time.Parse(layout, text)
	first := time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC) // before, its calendar has a day too many
	if err != nil || t.Before(first) || layout == invite.WireTime && t.Hour() == 0 && t.Minute() == 0 {
		return ""
	}
	return strconv.FormatFloat(61+float64(t.Sub(first)/time.Minute)/(24*60), 'f', -1, 64)
}

// result writes a cell of ours.
func (s *sheetXML) result(ref, column, cell string) {
	switch {
	case column == "invite_status":
		s.text(ref, s.book.styles.status[invite.Status(cell)], cell)
	case column == "invite_link" && isLink(cell) && len(s.book.links) < maxLinks:
		s.book.links, s.refs = append(s.book.links, strings.Clone(cell)), append(s.refs, ref)
		s.text(ref, s.book.styles.link, cell)
	case slices.Contains(numbered, column) && isExact(cell):
		s.number(ref, 0, cell)
	default:
		s.text(ref, 0, cell)
	}
}

// isExact: Excel keeps 15 digits of a number.
func isExact(cell string) bool {
	return len(cell) <= 15 && strings.Trim(cell, "0123456789") == "" && (cell == "0" || cell[0] != '0')
}

func isLink(cell string) bool {
	u, err := url.Parse(cell)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(cell) <= maxURL && utf8.ValidString(cell)
}

func (s *sheetXML) number(ref string, style int, value string) {
	fmt.Fprintf(s, `<c r="%s" s="%d"><v>%s</v></c>`, ref, style, value)
}

func (s *sheetXML) text(ref string, style int, value string) {
	fmt.Fprintf(s, `<c r="%s" s="%d" t="inlineStr"><is><t xml:space="preserve">`, ref, style)
	s.escaped(value)
	s.put("</t></is></c>")
}

// escaped writes a text as a worksheet holds it: what XML can't is _xHHHH_, and so is the beginning of what only looks
// like that. Bytes that are no characters become the sign for that.
func (s *sheetXML) escaped(text string) {
	for i, r := range text {
		switch {
		case r == '&':
			s.put("&amp;")
		case r == '<':
			s.put("&lt;")
		case r == '>':
			s.put("&gt;")
		case r < ' ' && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			fmt.Fprintf(s, "_x%04X_", r)
		case r == '_' && looksEscaped(text[i:]):
			s.put("_x005F_")
		default:
			_, _ = s.WriteRune(r)
		}
	}
}

// looksEscaped goes without the second underscore, which what follows may begin with once it is escaped itself.
func looksEscaped(text string) bool {
	return len(text) >= 6 && text[1] == 'x' && strings.Trim(text[2:6], "0123456789abcdefABCDEF") == ""
}

// hyperlinks follow the rows. The attribute's name space is declared by the worksheet.
func (s *sheetXML) hyperlinks() {
	if len(s.refs) == 0 {
		return
	}
	s.put("<hyperlinks>")
	for i, ref := range s.refs {
		fmt.Fprintf(s, `<hyperlink ref="%s" r:id="rId%d"/>`, ref, i+1)
	}
	s.put("</hyperlinks>")
}
