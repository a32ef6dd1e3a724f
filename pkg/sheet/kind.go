package sheet

import (
	"bytes"
	"io"
	"strings"
	"unicode"
)

const (
	saveAs      = `save it as "CSV UTF-8" or .xlsx`
	openAndSave = `open it in a spreadsheet program, and save it as "CSV UTF-8" or .xlsx`
	unpack      = "unpack it, and name the file that was inside"
	oldWorkbook = "is an Excel workbook of the old kind (.xls)"
	fromSource  = "a table is wanted: " + saveAs + " in the program that it was made with"
)

// kinds are the files that are sent around for tables, by their first bytes.
var kinds = []struct{ magic, is, hint string }{
	{"%PDF-", "is a PDF document", fromSource},
	{`{\rtf`, "is a text document (RTF)", fromSource},
	{"\x89PNG\r\n", "is a picture (PNG)", fromSource},
	{"\xff\xd8\xff", "is a picture (JPEG)", fromSource},
	{"GIF8", "is a picture (GIF)", fromSource},
	{"7z\xbc\xaf\x27\x1c", "is packed (7z)", unpack},
	{"Rar!\x1a\x07", "is packed (RAR)", unpack},
	{"BZh", "is packed (bzip2)", unpack},
	{"\xfd7zXZ\x00", "is packed (xz)", unpack},
	{"\x28\xb5\x2f\xfd", "is packed (zstd)", unpack},
	{"\x1f\x8b", "is packed twice (gzip)", unpack},
	{"\x09\x00\x04\x00", oldWorkbook, openAndSave}, // Excel 2, 3 and 4 wrote no compound file
	{"\x09\x02\x06\x00", oldWorkbook, openAndSave},
	{"\x09\x04\x06\x00", oldWorkbook, openAndSave},
	{"SQLite format 3\x00", "is an SQLite database", fromSource},
}

// compound begins Office files from before 2007, and those of today that are encrypted.
const compound = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// refuseBinary says what a file is that can't be text, by its first bytes.
func refuseBinary(s *Snapshot, start []byte) error {
	if bytes.HasPrefix(start, []byte(compound)) {
		if hasStream(s.Reader(), "EncryptedPackage") {
			return &Error{File: s.Name, Reason: "is a workbook with a password", Hint: "open it, remove the password (File, Info, Protect Workbook, Encrypt with Password), and save it"}
		}
		return &Error{File: s.Name, Reason: oldWorkbook + ", or another old Office file", Hint: openAndSave}
	}
	for _, k := range kinds {
		if bytes.HasPrefix(start, []byte(k.magic)) {
			return &Error{File: s.Name, Reason: k.is, Hint: k.hint}
		}
	}
	return nil
}

// hasStream looks for the name of a stream in a compound file. Its directory may be anywhere in it.
func hasStream(r io.Reader, name string) bool {
	want := []byte(strings.Join(strings.Split(name, ""), "\x00")) // UTF-16
	var window []byte
	buf := make([]byte, copyBuffer)
	for {
		n, err := r.Read(buf)
		window = append(window, buf[:n]...)
		if bytes.Contains(window, want) {
			return true
		}
		if err != nil {
			return false
		}
		window = append(window[:0], window[max(0, len(window)-len(want)):]...)
	}
}

// refuseMarkup says what a text is that can't be a table of ours, by its beginning.
func refuseMarkup(file string, start []byte) error {
	text := strings.ToLower(strings.TrimLeftFunc(string(start[:min(len(start), 4096)]), func(r rune) bool {
		return unicode.IsSpace(r) || r == '\ufeff'
	}))
	is, hint := "", openAndSave
	switch {
	case beginsWith(text, "<!doctype html", "<html", "<head", "<body", "<table", "<meta", "<title", "<style", "<script", "<link",
		"<div", "<center>", "<font", "<span", "<h1", "<p>", "<br", "<tr", "<td", "<th>", "<!--"),
		beginsWith(text, "<?xml") && strings.Contains(text, "<html"):
		is = "is a web page (HTML), whatever its name says; it may be a page that asks to log in"
	case beginsWith(text, "mime-version:", "from: <saved by"):
		is = "is a saved web page (MHTML), whatever its name says"
	case beginsWith(text, "<?xml", "<workbook") && strings.Contains(text, "urn:schemas-microsoft-com:office:spreadsheet"):
		is = "is a workbook of the kind XML Spreadsheet 2003"
	case beginsWith(text, "<?xml", "<office:document") && strings.Contains(text, "urn:oasis:names:tc:opendocument"):
		is = "is an OpenDocument file"
	case beginsWith(text, "<?xml"):
		is, hint = "is an XML file", fromSource
	case beginsWith(text, "id;p") && (strings.Contains(text, "\nc;x") || strings.Contains(text, "\nc;y")):
		is = "is a SYLK file (.slk)"
	case beginsWith(text, "table\r\n0,1", "table\n0,1"):
		is = "is a DIF file"
	case isJSON(text):
		is, hint = "is a JSON file", fromSource
	default:
		return nil
	}
	return &Error{File: file, Reason: is, Hint: hint}
}

func beginsWith(text string, starts ...string) bool {
	for _, s := range starts {
		if strings.HasPrefix(text, s) {
			return true
		}
	}
	return false
}

// isJSON goes by the first two marks: a header may have a bracket of its own.
func isJSON(text string) bool {
	if !beginsWith(text, "{", "[") {
		return false
	}
	rest := strings.TrimSpace(text[1:])
	return text[0] == '{' && beginsWith(rest, `"`, "}") || text[0] == '[' && beginsWith(rest, "{", `"`, "[", "]")
}

// isBinary tells that a text has control characters, which none has. It is asked about files that can't be read only: a
// stray one in a usable file is a row's affair.
func isBinary(start []byte) bool {
	return bytes.ContainsFunc(start[:min(len(start), 4096)], func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1a\x1b", r)
	})
}
