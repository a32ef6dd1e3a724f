package sheet

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

func importing() Options { return Options{Campaign: "default", Zones: invite.AsWritten, Import: true} }

func TestImport_knowsAnInvitationOfAnybodys(t *testing.T) {
	for _, tt := range []struct{ header, cells string }{
		{"E-mail,Assessment ID,Format,Link,Invited at", " Ann@Example.org,4711,sendlink, https://v.example/1 , 2026-01-02"},
		{"Email,Test ID,Invite Format,Test link,Date", "ann@example.org,4711,SENDLINK,https://v.example/1,2026-01-02"},
		{"email,assessment_id,format,invite_link,invite_at", "ann@example.org,4711,sendlink,https://v.example/1,2026-01-02"},
		{"email,assessment_id,format,URL,Sent on,Deadline", "ann@example.org,4711,sendlink,https://v.example/1,2026-01-02,31.12.2026"},
	} {
		row := one(t, tt.header+"\n"+tt.cells+"\n", importing())
		if row.Problem != nil {
			t.Errorf("%s: problem = %s", tt.header, row.Problem)
		}
		want := invite.Key{Campaign: "default", Assessment: 4711, Email: "ann@example.org"}
		if got := row.Candidate; got.Key != want || got.Format != invite.SendLink || got.Name != "" {
			t.Errorf("%s: candidate = %+v", tt.header, got)
		}
		if diff := cmp.Diff(&invite.Earlier{Link: "https://v.example/1", At: "2026-01-02"}, row.Earlier); diff != "" {
			t.Errorf("%s: earlier (-want +got):\n%s", tt.header, diff)
		}
	}
}

func TestImport_takesColumnsByMap(t *testing.T) {
	o := importing()
	o.Map = map[string]string{"link": "Old", "invited_at": "When", "email": "Contact"}
	o.Defaults = flags()
	s := open(t, "Contact,Link,Old,When\nann@example.org,x,https://v.example/1,2026-01-02\n", o)
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&invite.Earlier{Link: "https://v.example/1", At: "2026-01-02"}, rows[0].Earlier); diff != "" {
		t.Errorf("earlier (-want +got):\n%s", diff)
	}
	if got := []string{s.Column(Link), s.Column(InvitedAt)}; !slices.Equal(got, []string{"Old", "When"}) {
		t.Errorf("columns = %q", got)
	}
	want := `e-mail address: "Contact", assessment id: 4711, invite format: getlink, invite link: "Old", date of the invitation: "When"; not read: "Link"`
	if diff := cmp.Diff(want, s.Mapping()); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func TestImport_ofNobodyElseIsALinkUnderstood(t *testing.T) {
	row := one(t, "Name,Email,Link,Link,Date\nAnn,ann@example.org,x,y,z\n", options())
	if row.Problem != nil || row.Earlier != nil {
		t.Errorf("problem = %v, earlier = %v, want none of a file to be sent", row.Problem, row.Earlier)
	}
	o := options()
	o.Map = map[string]string{"link": "Link"}
	want := `--map link="Link": there is no such field, the fields are name, first_name, last_name, second_last_name, email, assessment_id, format, expires`
	if err := o.Check(); err == nil || err.Error() != want {
		t.Errorf("check = %v, want %s", err, want)
	}
}

func TestImport_needsAllButTheName(t *testing.T) {
	_, err := Open(copyOf(t, "Link\n"), importing())
	want := `candidates.csv: line 1: no column for the e-mail address and the assessment id and the invite format; the columns are "Link"`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// What the columns of a run's input say may have been overridden by flags, and may be called like anything.
func TestImport_goesByWhatWasSent(t *testing.T) {
	s := open(t, "Name,Email,Test ID,Format,Expires,Link,URL,Date,"+resultHeader+"\n"+
		"Ann,ann@example.org,12,getlink,soon,a,b,c,unknown,https://v.example/1,,4711,sendlink,2030-01-02 03:04,5,6,INVITED,2026-01-02T03:04:05Z,1\n"+
		"Bob,bob@example.org,12,getlink,,,,,invited,,,,,,,,,,\n", importing())
	rows, err := read(s)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := rows[0], rows[1]
	if ann.Problem != nil || ann.Candidate.Key.Assessment != 4711 || ann.Candidate.Format != invite.SendLink {
		t.Errorf("candidate = %+v, problem %v, want what was sent", ann.Candidate, ann.Problem)
	}
	want := &invite.Earlier{Status: "unknown", Link: "https://v.example/1", CandidateID: "5", ReportID: "6",
		Expires: "2030-01-02 03:04", At: "2026-01-02T03:04:05Z"}
	if diff := cmp.Diff(want, ann.Earlier); diff != "" {
		t.Errorf("earlier (-want +got):\n%s", diff)
	}
	if bob.Problem != nil || bob.Candidate.Key.Assessment != 12 || bob.Candidate.Format != invite.GetLink {
		t.Errorf("candidate = %+v, problem %v, want the row's own where the results are silent", bob.Candidate, bob.Problem)
	}
	mapping := `name: "Name", e-mail address: "Email", assessment id: "invite_assessment_id", invite format: "invite_format", ` +
		`invite link: "invite_link", date of the invitation: "invite_at"; not read: "Expires", "Link", "URL", "Date"`
	if diff := cmp.Diff(mapping, s.Mapping()); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func TestImport_refusesResultsThatAreCutOff(t *testing.T) {
	header, whole := "Name,Email,"+resultHeader+"\n", "Ann,ann@example.org,"+outcome("invited", "https://v.example/1")
	for cut, want := range map[string]string{
		whole:                               "<nil>",
		strings.TrimSuffix(whole, ",,,,,1"): "line 2: has fewer cells than the 13 of the header; was the file cut off here?",
		"Ann,ann@example.org":               "line 2: has fewer cells than the 13 of the header; was the file cut off here?",
	} {
		row := one(t, header+cut, importing())
		got := "<nil>"
		if row.Problem != nil {
			got = row.Problem.String()
		}
		if got != want {
			t.Errorf("problem of %q = %s, want %s", cut, got, want)
		}
	}
	if row := one(t, header+"Ann,ann@example.org,invited", options()); row.Problem != nil {
		t.Errorf("problem of a short row that is to be sent = %s, want none", row.Problem)
	}
}

// Wherever a program that writes CSV is killed, the rows before are there.
func TestDropCutLine_keepsWhatIsWhole(t *testing.T) {
	cell := rapid.StringOfN(rapid.RuneFrom([]rune("a\",\n '=\u00fc")), 0, 6, -1)
	rapid.Check(t, func(rt *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 4), 1, 12).Draw(rt, "table")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		line, ends, lines := 1, []int{0}, []int{1}
		for _, cells := range table {
			if err := w.Write(cells); err != nil {
				rt.Fatal(err)
			}
			w.Flush()
			line += strings.Count(file.String()[ends[len(ends)-1]:], "\n")
			ends, lines = append(ends, file.Len()), append(lines, line)
		}
		size := rapid.IntRange(1, file.Len()).Draw(rt, "size")
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= size {
			whole++
		}
		wantLine := lines[whole]
		if ends[whole] == size {
			wantLine = 0
		}
		s := copyOf(t, file.String()[:size])
		defer s.Close()
		got, err := s.DropCutLine()
		if err != nil || got != wantLine || s.Reader().Size() != int64(ends[whole]) {
			rt.Errorf("cut at %d of %q: line %d, %d bytes, error %v; want line %d, %d bytes", size, file.String(), got, s.Reader().Size(), err,
				wantLine, ends[whole])
		}
	})
}

func TestDropCutLine_leavesABrokenQuoteToTheReader(t *testing.T) {
	s := copyOf(t, sample+`Bob,"bob@example.org`+"\n"+strings.Repeat("Cy,cy@example.org\n", maxRecord/16))
	size := s.Reader().Size()
	if line, err := s.DropCutLine(); line != 0 || err != nil || s.Reader().Size() != size {
		t.Errorf("DropCutLine = %d, %v, and %d of %d bytes are left, want all", line, err, s.Reader().Size(), size)
	}
}
