package sheet

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// FuzzXLSX: whatever stands in the parts of a workbook, it gives the same rows in both passes or one *Error.
func FuzzXLSX(f *testing.F) {
	row := `<row r="2"><c r="A2" s="1"><v>45291.5</v></c><c r="B2" t="s"><v>1</v></c><c t="d"><v>2031-12-31</v></c></row></sheetData>`
	f.Add(rawHeader+row+`<hyperlinks><hyperlink ref="B2:B3" r:id="r1"/></hyperlinks></worksheet>`, "<sst><si><t>a</t></si><si><r><t>b_x0041_</t></r></si></sst>",
		`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm&quot;x&quot;\\d"/></numFmts><cellXfs><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		`<Relationships><Relationship Id="r1" Type="x/hyperlink" Target="mailto:a%40b" TargetMode="External"/></Relationships>`)
	f.Add(rawHeader+row+`<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="C2:C4"/></mergeCells></worksheet>`, "", `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="00000"/></numFmts></styleSheet>`, "")
	f.Add(rawHeader, "", "", "")
	f.Fuzz(func(t *testing.T, sheet, texts, styles, links string) {
		data := archive(t, "_rels/.rels", "<r/>", "xl/workbook.xml", `<workbook><sheets><sheet name="Only" r:id="r1"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="sheet.xml"/>`+
				`<Relationship Id="r2" Type="x/sharedStrings" Target="strings.xml"/><Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>`,
			"xl/strings.xml", texts, "xl/styles.xml", styles, "xl/_rels/sheet.xml.rels", links, "xl/sheet.xml", sheet)
		fuzzBook(t, data)
	})
}

// FuzzXLSX_archive: and whatever the archive is.
func FuzzXLSX_archive(f *testing.F) {
	f.Add(raw(f, rawHeader+"</sheetData></worksheet>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzBook(t, append([]byte("PK\x03\x04"), bytes.TrimPrefix(data, []byte("PK\x03\x04"))...))
	})
}

func fuzzBook(t *testing.T, data []byte) {
	snapshot, err := Copy(context.Background(), "fuzz.xlsx", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	s, err := Open(snapshot, Options{Zones: invite.AsWritten})
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok || strings.Contains(err.Error(), "\n") {
			t.Fatalf("Open = %T %v, want an *Error of one line", err, err)
		}
		return
	}
	if diff := cmp.Diff(rowLines(t, s), rowLines(t, s)); diff != "" {
		t.Fatalf("the passes differ:\n%s", diff)
	}
}
