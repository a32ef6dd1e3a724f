package sheet

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpen_saysWhatAFileIsThatIsNoTable(t *testing.T) {
	const (
		table  = `a table is wanted: save it as "CSV UTF-8" or .xlsx in the program that it was made with`
		resave = `open it in a spreadsheet program, and save it as "CSV UTF-8" or .xlsx`
		packed = "unpack it, and name the file that was inside"
		page   = "is a web page (HTML), whatever its name says; it may be a page that asks to log in"
		old    = "is an Excel workbook of the old kind (.xls), or another old Office file"
	)
	filler := strings.Repeat("\x00", copyBuffer-600)
	tests := []struct{ name, content, want, hint string }{
		{"old workbook", compound + strings.Repeat("\x00", 2000) + "W\x00o\x00r\x00k\x00b\x00o\x00o\x00k\x00", old, resave},
		{"workbook of Excel 2", "\x09\x00\x04\x00\x02\x00\x10\x00", "is an Excel workbook of the old kind (.xls)", resave},
		{"flat OpenDocument", `<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">`, "is an OpenDocument file", resave},
		{"workbook with a password", compound + filler + encoded(t, utf16LE, strings.Repeat("x", 290)+"EncryptedPackage"), "is a workbook with a password",
			"open it, remove the password (File, Info, Protect Workbook, Encrypt with Password), and save it"},
		{"PDF", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF document", table},
		{"RTF", `{\rtf1\ansi Name,Email`, "is a text document (RTF)", table},
		{"PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is a picture (PNG)", table},
		{"JPEG", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "is a picture (JPEG)", table},
		{"7z", "7z\xbc\xaf\x27\x1c\x00\x04", "is packed (7z)", packed},
		{"gzip in gzip", gzipped(t, gzipped(t, sample)), "is packed twice (gzip)", packed},
		{"HTML", "<html><table><tr><td>Name</td></tr></table></html>", page, resave},
		{"HTML with a head start", "\ufeff\r\n <!DOCTYPE HTML PUBLIC>\n", page, resave},
		{"XHTML", "<?xml version=\"1.0\"?>\n<!DOCTYPE x><html xmlns=\"x\">", page, resave},
		{"HTML in UTF-16", encoded(t, utf16LE, "\ufeff<table><tr><td>Name"), page, resave},
		{"MHTML", "MIME-Version: 1.0\nX-Document-Type: Workbook\n", "is a saved web page (MHTML), whatever its name says", resave},
		{"HTML without a beginning", "<center><b>People</b></center>\n<table>", page, resave},
		{"rows of HTML", "<tr><td>Name</td></tr>", page, resave},
		{"MHTML of a browser", "From: <Saved by Blink>\nSnapshot-Content-Location: https://x.example\n", "is a saved web page (MHTML), whatever its name says", resave},
		{"XML Spreadsheet 2003", "<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">",
			"is a workbook of the kind XML Spreadsheet 2003", resave},
		{"SYLK", "ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K\"Name\"\r\nE\r\n", "is a SYLK file (.slk)", resave},
		{"DIF", "TABLE\r\n0,1\r\n\"EXCEL\"\r\nVECTORS\r\n", "is a DIF file", resave},
		{"XML", "<?xml version=\"1.0\"?>\n<people/>", "is an XML file", table},
		{"JSON list", "[\n  {\"name\": \"Ann\"}]", "is a JSON file", table},
		{"JSON object", "{\"name\": \"Ann\"}", "is a JSON file", table},
		{"lines in quotes", "\"Name;Email\"\n\"Ann;\"\"ann@example.org\"\"\"\n", `line 1: all columns are in one, since quotes hold the whole line together: "Name;Email"`,
			"take the quotes around whole lines away, and halve those that are doubled then"},
		{"sep that is not the delimiter", "sep=;\nName,Email\n", `line 2: the line sep= above does not separate the columns: "Name,Email"`, "take that line away"},
		{"blank lines", " \r\n,,\n\u00a0\n\n", "has no header, every line is blank", ""},
		{"lines of delimiters alone", ";;;\n\n;;;\n", "has no header, every line is blank", ""},
		{"sep alone", "sep=;\n", "has no header, every line is blank", ""},
		{"mark alone", "\xff\xfe", "has no header, every line is blank", ""},
		{"binary", "\x01\x02Name,\x00\x00\n\xfe", "is not a text file", `save it as "CSV UTF-8" or .xlsx`},
		{"header that reads well but for its NULs", "name\x00,email\x00\n", "is not a text file", `save it as "CSV UTF-8" or .xlsx`},
		{"UTF-32", "\xff\xfe\x00\x00N\x00\x00\x00a\x00\x00\x00", "is not a text file", `save it as "CSV UTF-8" or .xlsx`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(copyOf(t, test.content), options())
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error = %v, want an *Error", err)
			}
			if diff := cmp.Diff([]string{"candidates.csv: " + test.want, test.hint}, []string{e.Error(), e.Hint}); diff != "" {
				t.Errorf("text and hint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpen_takesHeadersThatLookLikeOtherFiles(t *testing.T) {
	for _, header := range []string{"<Name>,<Email>", "[Name],[Email]", "{Name},{Email}", "PK,Name,Email", "BZ,Name,Email", "XML,Name,Email", "<B>,Name,Email", "<p,Name,Email", "From: x,Name,Email", "ID;Phone;Name;Email\nC;1", "Table,Name,Email\n0,1"} {
		if _, err := Open(copyOf(t, header+"\n"), options()); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}
