package results

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/invite"
)

// Limits of a worksheet.
const (
	MaxRows    = excelize.TotalRows - 1 // below the header
	MaxColumns = excelize.MaxColumns    // the result columns are among them
	MaxCell    = excelize.TotalCellChars

	maxLinks = excelize.TotalSheetHyperlinks
	maxURL   = 2079
)

// IsXLSX tells whether results at a path are a workbook.
func IsXLSX(path string) bool { return strings.EqualFold(filepath.Ext(path), ".xlsx") }

// Characters of a cell as a worksheet counts them, in UTF-16.
func Characters(cell string) (n int) {
	for _, r := range cell {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

const (
	sheetName = "Results"
	sheetPart = "xl/worksheets/sheet1.xml"
	relsPart  = "xl/worksheets/_rels/sheet1.xml.rels"
	// The width of a column is that of its longest cell within bounds, in characters; the first rows are looked at.
	minWidth, maxWidth, widthRows = 9, 60, 1000
)

// properties say who made the workbook, and no time, so that the same rows give the same bytes. What the library writes of
// them is right, and too much for exceljs.
const properties = xml.Header + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
	`xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>batchinvite</dc:creator></cp:coreProperties>`

// fills are the colours of the status cells.
var fills = map[invite.Status]string{
	invite.StatusInvited: "C6EFCE", invite.StatusAlreadyInvited: "E2EFDA", invite.StatusDuplicate: "EDEDED", invite.StatusInvalid: "FFC7CE",
	invite.StatusRejected: "FFC7CE", invite.StatusNotSent: "FFEB9C", invite.StatusUnknown: "F8CBAD", invite.StatusRevoked: "D9D9D9",
}

// workbook makes an XLSX of results that stand as CSV. The same rows give the same bytes.
//
// The library makes everything but the rows: its ways to write those would keep all of them in memory, lose what XML can't
// hold, and take minutes for the links.
type workbook struct {
	open  func() io.Reader // the CSV from its start
	added []string         // the columns behind the input's
	kinds []invite.CellKind

	header []string
	rows   int // with the header
	widths []int
	styles styles
	links  []string // the targets, in order
}

// styles are the numbers of the formats that cells have.
type styles struct {
	header, link, date, minute int
	status                     map[invite.Status]int
}

// convert writes the workbook to w.
func convert(w io.Writer, open func() io.Reader, added []string, kinds []invite.CellKind) error {
	b := &workbook{open: open, added: added, kinds: kinds}
	if err := b.measure(); err != nil {
		return err
	}
	f := excelize.NewFile()
	err := b.frame(f)
	if err == nil {
		f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return &parts{zip.NewWriter(w), b} })
		err = f.Write(io.Discard) // all of it goes to the parts
	}
	return errors.Join(err, f.Close())
}

// each visits every record of the CSV, without guards.
func (b *workbook) each(visit func(row int, cells []string) error) error {
	in := csv.NewReader(b.open())
	in.ReuseRecord = true
	for row := 1; ; row++ {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the rows written so far: %w", err)
		}
		for i := range cells {
			cells[i] = invite.Unguard(cells[i])
		}
		if err := visit(row, cells); err != nil {
			return err
		}
	}
}

// measure finds out how large the worksheet will be, and whether it is one.
func (b *workbook) measure() error {
	err := b.each(func(row int, cells []string) error {
		if row == 1 {
			b.header, b.widths = append(b.header, cells...), make([]int, len(cells))
		}
		b.rows = row
		for i, cell := range cells {
			if n := Characters(cell); n > MaxCell {
				return fmt.Errorf("row %d, column %s has %d characters, a cell of a workbook holds %d", row, b.header[i], n, MaxCell)
			}
			if row <= widthRows {
				b.widths[i] = max(b.widths[i], utf8.RuneCountInString(cell))
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case b.rows-1 > MaxRows:
		return fmt.Errorf("%d rows are more than the %d that a worksheet holds", b.rows-1, MaxRows)
	case len(b.header) > MaxColumns:
		return fmt.Errorf("%d columns are more than the %d that a worksheet holds", len(b.header), MaxColumns)
	}
	return nil
}

// frame makes what is around the rows.
func (b *workbook) frame(f *excelize.File) error {
	f.Pkg.Store("docProps/core.xml", []byte(properties))
	last, err := excelize.CoordinatesToCellName(len(b.header), b.rows)
	errs := []error{
		err,
		f.SetSheetName("Sheet1", sheetName),
		f.SetPanes(sheetName, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		f.AutoFilter(sheetName, "A1:"+last, nil),
		f.SetSheetDimension(sheetName, "A1:"+last),
		f.SetDefinedName(&excelize.DefinedName{Name: invite.WorkbookMark, RefersTo: sheetName + "!$A$1"}),
	}
	for i, width := range b.widths {
		name, err := excelize.ColumnNumberToName(i + 1)
		errs = append(errs, err, f.SetColWidth(sheetName, name, name, float64(min(max(width+2, minWidth), maxWidth))))
	}
	style := func(s excelize.Style) int {
		id, err := f.NewStyle(&s)
		errs = append(errs, err)
		return id
	}
	date, minute := "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
	b.styles = styles{
		header: style(excelize.Style{Font: &excelize.Font{Bold: true}}),
		link:   style(excelize.Style{Font: &excelize.Font{Color: "0563C1", Underline: "single"}}),
		date:   style(excelize.Style{CustomNumFmt: &date}),
		minute: style(excelize.Style{CustomNumFmt: &minute}),
		status: map[invite.Status]int{},
	}
	for _, s := range invite.Statuses {
		b.styles.status[s] = style(excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fills[s]}}})
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("make the workbook: %w", err)
	}
	return nil
}

// parts is the archive, into which the rows and the links go beside what the library puts there.
type parts struct {
	*zip.Writer
	book *workbook
}

// Create begins a part.
func (p *parts) Create(name string) (io.Writer, error) {
	w, err := p.Writer.Create(name)
	if err == nil && name == sheetPart {
		w = &rowsInside{w, p.book}
	}
	return w, err
}

// Close adds the targets of the links, which are known by now.
func (p *parts) Close() error {
	if len(p.book.links) == 0 {
		return p.Writer.Close()
	}
	w, err := p.Writer.Create(relsPart)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprint(out, xml.Header+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i, link := range p.book.links {
		fmt.Fprintf(out, `<Relationship Id="rId%d" Type="%s" Target="`, i+1, excelize.SourceRelationshipHyperLink)
		_ = xml.EscapeText(out, []byte(link)) // the error comes from Flush too
		fmt.Fprint(out, `" TargetMode="External"/>`)
	}
	fmt.Fprint(out, `</Relationships>`)
	return errors.Join(out.Flush(), p.Writer.Close())
}

// rowsInside takes the worksheet without rows, which comes in one piece, and writes it with them.
type rowsInside struct {
	io.Writer
	book *workbook
}

func (r *rowsInside) Write(empty []byte) (int, error) {
	before, after, ok1 := bytes.Cut(empty, []byte("</sheetData>"))
	between, end, ok2 := bytes.Cut(after, []byte("</worksheet>"))
	// The links belong after the filter and before anything about printing.
	if !ok1 || !ok2 || len(end) > 0 || !bytes.HasSuffix(before, []byte("<sheetData>")) || !bytes.HasSuffix(between, []byte("</autoFilter>")) {
		return 0, fmt.Errorf("make the workbook: the worksheet is not as expected: %.1000s", empty)
	}
	out := &sheetXML{Writer: bufio.NewWriterSize(r.Writer, 64<<10), book: r.book}
	out.put(string(before))
	if err := r.book.each(out.row); err != nil {
		return 0, err
	}
	out.put("</sheetData>" + string(between))
	out.hyperlinks()
	out.put("</worksheet>")
	return len(empty), out.Flush()
}
