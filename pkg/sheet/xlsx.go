package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"batchinvite/pkg/invite"
)

// What a part of a workbook may unpack to. A sheet of 1,048,576 rows and 40 columns has some 3 GiB; what says that it has
// more is a trap for programs that unpack it.
const (
	maxPart  = 4 << 30
	maxSmall = 32 << 20 // of what only describes the sheets
	// maxStyles is Excel's own limit.
	maxStyles = 65490
)

const saveAgain = "open it in a spreadsheet program and save it again"

// workbook is an XLSX file. It is read here and not by excelize, which streams texts without their formats, and nothing but
// the format tells a date from a number; and which takes a part that is broken for one that ends there.
type workbook struct {
	file     string // the input's name
	parts    map[string]*zip.File
	visible  []worksheet
	hidden   []string // names
	marked   bool     // it has invite.WorkbookMark
	date1904 bool
	formats  []numberFormat // of the styles, by their number
	texts    string         // the part with the shared strings, "" if there is none
	strings  *sharedStrings
}

type worksheet struct{ name, part string }

// isZip tells what workbooks begin with, and little else.
func isZip(s *Snapshot) bool {
	var start [4]byte
	_, err := io.ReadFull(s.Reader(), start[:])
	return err == nil && (bytes.Equal(start[:], []byte("PK\x03\x04")) || bytes.Equal(start[:], []byte("PK\x05\x06")))
}

func openWorkbook(s *Snapshot) (*workbook, error) {
	b := &workbook{file: s.Name, parts: map[string]*zip.File{}}
	archive, err := zip.NewReader(s.Reader(), s.size)
	if err != nil {
		return nil, &Error{File: s.Name, Reason: "is a broken or incomplete XLSX file; copy it again, or " + saveAgain, err: err}
	}
	for _, f := range archive.File {
		b.parts[partName(f.Name)] = f
	}
	main := "xl/workbook.xml"
	if _, ok := b.parts["_rels/.rels"]; ok {
		top, err := b.relations("")
		if err != nil {
			return nil, err
		}
		for _, r := range top {
			if r.kind == "officeDocument" {
				main = r.target
			}
		}
	}
	if b.parts[main] == nil || !strings.HasSuffix(main, ".xml") || strings.HasPrefix(main, "word/") || strings.HasPrefix(main, "ppt/") {
		return nil, b.noWorkbook()
	}
	if err := b.readSheets(main); err != nil {
		return nil, err
	}
	return b, nil
}

// noWorkbook says what a zip archive is instead.
func (b *workbook) noWorkbook() error {
	reason := `is a zip archive and no workbook; unpack it and name the file in it`
	for _, known := range []struct{ part, reason string }{
		{"xl/workbook.bin", "is a binary workbook (.xlsb); save it as XLSX"},
		{"word/document.xml", "is a Word document and no workbook; save its table as CSV"},
		{"ppt/presentation.xml", "is a presentation and no workbook"},
		{"content.xml", "is an OpenDocument file; save it as XLSX or CSV"},
		{"index/document.iwa", "is a Numbers file; export it as XLSX or CSV"},
	} {
		if b.parts[known.part] != nil {
			reason = known.reason
			break
		}
	}
	return &Error{File: b.file, Reason: reason}
}

// partName is how parts are compared: some programs write other slashes and cases than they refer to.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// open opens a part. What it unpacks to is bounded by what it says, and that by limit.
func (b *workbook) open(part string, limit uint64) (*tokens, io.Closer, error) {
	f := b.parts[part]
	if f == nil {
		return nil, nil, b.broken(part, errors.New("it is missing"))
	}
	if f.Flags&1 != 0 {
		return nil, nil, &Error{File: b.file, Reason: "is a zip archive with a password; save it as XLSX without one"}
	}
	if f.UncompressedSize64 > limit {
		return nil, nil, &Error{File: b.file, Reason: fmt.Sprintf("unpacks to %d MiB in %s, more than the %d MiB that are read; save the rows alone as CSV",
			f.UncompressedSize64>>20, part, limit>>20)}
	}
	r, err := f.Open()
	if err != nil {
		return nil, nil, b.broken(part, err)
	}
	return newTokens(bufio.NewReaderSize(r, copyBuffer)), r, nil
}

// broken says which part of the file can't be used, and why. An error that is not the part's stays what it is.
func (b *workbook) broken(part string, err error) error {
	return &Error{File: b.file, Reason: fmt.Sprintf("is a broken XLSX file, in %s: %s; %s", part, err, saveAgain), err: err}
}

// fault is broken for what came while a part was read.
func (b *workbook) fault(part string, err error) error {
	if fault, ok := errors.AsType[*partError](err); ok {
		return b.broken(part, fault.err)
	}
	return err
}

// each visits the elements of a small part.
func (b *workbook) each(part string, visit func(xml.StartElement)) error {
	t, c, err := b.open(part, maxSmall)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return b.broken(part, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			visit(e)
		}
	}
}

// relation is what one part says of another: the last word of its type, and where it is.
type relation struct{ kind, target string }

// relations reads those of a part, by their id.
func (b *workbook) relations(part string) (map[string]relation, error) {
	found := map[string]relation{}
	file := path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
	if part == "" {
		file = "_rels/.rels"
	}
	if b.parts[file] == nil {
		return found, nil
	}
	return found, b.each(file, func(e xml.StartElement) {
		if e.Name.Local != "Relationship" {
			return
		}
		r := relation{kind: path.Base(attr(e, "Type")), target: attr(e, "Target")}
		if attr(e, "TargetMode") != "External" {
			if !strings.HasPrefix(r.target, "/") {
				r.target = path.Join(path.Dir(part), r.target)
			}
			r.target = partName(r.target)
		}
		found[attr(e, "Id")] = r
	})
}

// readSheets reads which worksheets there are, and how their numbers look.
func (b *workbook) readSheets(main string) error {
	parts, err := b.relations(main)
	if err != nil {
		return err
	}
	err = b.each(main, func(e xml.StartElement) {
		switch e.Name.Local {
		case "workbookPr":
			b.date1904 = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		case "definedName":
			b.marked = b.marked || attr(e, "name") == invite.WorkbookMark
		case "sheet":
			r := parts[attr(e, "id")]
			if state := attr(e, "state"); r.kind != "worksheet" { // a chart, a dialogue
			} else if state != "" && state != "visible" {
				b.hidden = append(b.hidden, attr(e, "name"))
			} else {
				b.visible = append(b.visible, worksheet{attr(e, "name"), r.target})
			}
		}
	})
	for _, r := range parts {
		switch {
		case err != nil:
		case r.kind == "sharedStrings":
			b.texts = r.target
		case r.kind == "styles":
			err = b.readStyles(r.target)
		}
	}
	return err
}

func (b *workbook) readStyles(part string) error {
	custom, ofCells := map[string]numberFormat{}, false
	return b.each(part, func(e xml.StartElement) {
		switch e.Name.Local {
		case "numFmt":
			if len(custom) < maxStyles {
				custom[attr(e, "numFmtId")] = formatOf(attr(e, "formatCode"))
			}
		case "cellXfs":
			ofCells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			ofCells = false
		case "xf":
			if ofCells && len(b.formats) < maxStyles {
				text := attr(e, "numFmtId")
				format, ok := custom[text]
				if id, err := strconv.Atoi(text); !ok && err == nil {
					format.date = isBuiltInDate(id)
				}
				b.formats = append(b.formats, format)
			}
		}
	})
}

func (b *workbook) readStrings() (*sharedStrings, error) {
	if b.texts == "" {
		return &sharedStrings{}, nil
	}
	t, c, err := b.open(b.texts, maxPart)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s, err := readStrings(t)
	return s, b.fault(b.texts, err)
}
