package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

// invited is a row that was sent, with every result column filled.
func invited(cells ...string) invite.Result {
	return invite.Result{
		Row: invite.Row{
			Origin:    invite.Origin{Line: 2},
			Cells:     cells,
			Candidate: invite.Candidate{Key: invite.Key{Assessment: 4711}},
		},
		Status: invite.StatusInvited,
		Format: invite.SendLink,
		Outcome: invite.Outcome{
			Link: "https://x.invalid/1", CandidateID: "11", ReportID: "22", APIStatus: "INVITED", Expires: "2026-12-31 23:59",
			At: time.Date(2026, 11, 24, 10, 15, 0, 999, time.FixedZone("CET", 3600)), Attempts: 2,
		},
	}
}

// local is a row that no request was ever made for.
func local(status invite.Status, reason string, cells ...string) invite.Result {
	return invite.Result{
		Row: invite.Row{
			Cells:     cells,
			Candidate: invite.Candidate{Key: invite.Key{Assessment: 4711}, Format: invite.SendLink},
		},
		Status:  status,
		Outcome: invite.Outcome{Error: reason},
	}
}

const columnNames = "invite_status,invite_link,invite_error,invite_assessment_id,invite_format,invite_expires," +
	"invite_candidate_id,invite_report_id,invite_api_status,invite_at,invite_attempts\n"

// text gives what Stream makes of the results.
func text(t *testing.T, header []string, rows ...invite.Result) string {
	t.Helper()
	var out bytes.Buffer
	w, err := Stream(&out, header, Format{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWrite_exactBytes(t *testing.T) {
	got := text(t, []string{"Name", "E-mail", "Notes", ""},
		invited("Zoë", "zoe@example.org", "a, \"b\"", ""),
		local(invite.StatusInvalid, "line 3, column E-mail: is not an e-mail address", "Ann", "ann@", "one\r\ntwo\rthree\n"),
		local(invite.StatusDuplicate, "same person as line 2", " Zoë ", "ZOE@example.org", "-5", "=1+1"),
		local(invite.StatusNotSent, "=cmd()"),
	)
	want := "Name,E-mail,Notes,," + columnNames +
		"Zoë,zoe@example.org,\"a, \"\"b\"\"\",,invited,https://x.invalid/1,,4711,sendlink,2026-12-31 23:59,11,22,INVITED,2026-11-24T09:15:00Z,2\n" +
		"Ann,ann@,\"one\ntwo\nthree\n\",,invalid,,\"line 3, column E-mail: is not an e-mail address\",,,,,,,,\n" +
		"\" Zoë \",ZOE@example.org,-5,'=1+1,duplicate,,same person as line 2,,,,,,,,\n" +
		",,,,not_sent,,'=cmd(),,,,,,,,\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestStream_headerIsGuardedAndThereAtOnce(t *testing.T) {
	var out bytes.Buffer
	if _, err := Stream(&out, []string{"=1", "a\r\nb"}, Format{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("'=1,\"a\nb\","+columnNames, out.String()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestColumns_tagsAreTheResultColumns(t *testing.T) {
	var got []string
	for field := range reflect.TypeFor[columns]().Fields() {
		got = append(got, field.Tag.Get("csv"))
	}
	if diff := cmp.Diff(invite.ResultColumns, got); diff != "" {
		t.Errorf("csv tags (-want +got):\n%s", diff)
	}
}

func TestWrite_moreCellsThanHeaderIsAnError(t *testing.T) {
	w, err := Stream(io.Discard, []string{"Name"}, Format{})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Write(invited("Ann", "stray"))
	if want := "write result of line 2: the row has 2 cells, the header 1"; err == nil || err.Error() != want {
		t.Errorf("Write = %v, want %s", err, want)
	}
}

func TestWrite_everyRowOnceAndInOrderAcrossBatches(t *testing.T) {
	for _, rows := range []int{0, 1, batchRows - 1, batchRows, batchRows + 1, 2*batchRows + 3} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			var in []invite.Result
			var want strings.Builder
			want.WriteString("Name," + columnNames)
			for i := range rows {
				in = append(in, local(invite.StatusNotSent, "", fmt.Sprint("r", i)))
				fmt.Fprintf(&want, "r%d,not_sent,,,,,,,,,,\n", i)
			}
			if diff := cmp.Diff(want.String(), text(t, []string{"Name"}, in...)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// Huge cells must not pile up until a batch has all its rows: the memory of a run is bounded.
func TestWrite_batchIsBoundedInBytes(t *testing.T) {
	w, err := Stream(io.Discard, []string{"Notes"}, Format{})
	if err != nil {
		t.Fatal(err)
	}
	huge := strings.Repeat("x", batchBytes/4)
	for i := range batchRows {
		if err := w.Write(local(invite.StatusNotSent, "", huge)); err != nil {
			t.Fatal(err)
		}
		if waiting := len(w.cells); waiting > 4 {
			t.Fatalf("%d rows of %d bytes wait after row %d, want at most 4", waiting, len(huge), i+1)
		}
	}
}

// cellTexts are texts that CSV or the guard could trip over, and any others.
func cellTexts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("'=+-@,;\"\r\n\t a1.\\ \u00a0\ufeff\uff1d")), 0, 6, -1),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }), // not always UTF-8
	)
}

func TestWrite_anyTableComesBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		header := rapid.SliceOfN(cellTexts(), 0, 5).Draw(rt, "header")
		table := rapid.SliceOfN(rapid.SliceOfN(cellTexts(), 0, len(header)), 0, 8).Draw(rt, "table")
		reason := cellTexts().Draw(rt, "reason")
		var rows []invite.Result
		want := [][]string{append(oneLineBreak(header), invite.ResultColumns...)}
		for _, cells := range table {
			rows = append(rows, local(invite.StatusRejected, reason, cells...))
			line := make([]string, len(header)+len(invite.ResultColumns))
			copy(line, oneLineBreak(cells))
			line[len(header)], line[len(header)+2] = "rejected", oneLineBreak([]string{reason})[0]
			want = append(want, line)
		}

		got, err := csv.NewReader(strings.NewReader(text(t, header, rows...))).ReadAll()
		if err != nil {
			rt.Fatal(err)
		}
		for _, line := range got {
			for i := range line {
				line[i] = invite.Unguard(line[i])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

// oneLineBreak spells every line break of the cells as LF.
func oneLineBreak(cells []string) []string {
	out := []string{}
	for _, cell := range cells {
		out = append(out, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(cell))
	}
	return out
}

// fullDisk takes room bytes and no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, syscall.ENOSPC
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWrite_fullDiskSurfaces(t *testing.T) {
	if _, err := Stream(&fullDisk{}, []string{"Name"}, Format{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Stream with no room for the header = %v, want %v", err, syscall.ENOSPC)
	}

	w, err := Stream(&fullDisk{room: 1000}, []string{"Name"}, Format{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(invited(strings.Repeat("x", 1000))); err != nil {
		t.Errorf("Write of a row that waits in the batch = %v, want nil", err)
	}
	for _, call := range []string{"first", "second"} {
		if err := w.Flush(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s Flush = %v, want %v", call, err, syscall.ENOSPC)
		}
	}

	w, err = Stream(&fullDisk{room: 1000}, []string{"Name"}, Format{})
	if err != nil {
		t.Fatal(err)
	}
	for range batchRows {
		err = w.Write(invited(strings.Repeat("x", 1000)))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write that ends the batch = %v, want %v", err, syscall.ENOSPC)
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := Stream(io.Discard, []string{"Full Name", "E-mail", "Assessment ID", "Format", "Expiry Date", "Team", "Notes"}, Format{})
	if err != nil {
		b.Fatal(err)
	}
	r := invited("Zoë Müller", "zoe.mueller@example.org", "4711", "sendlink", "14d", "Platform", "met at the fair, speaks \"C\"")
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}
