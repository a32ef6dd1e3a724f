package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

// mustInvite records candidate i as invited, with a name, a link and a spelling that can be told from all others.
func mustInvite(t *testing.T, l *Ledger, run int64, i int) (traces []string) {
	t.Helper()
	c := candidate(i)
	c.Name, c.Email = fmt.Sprintf("Zachariah Q%dQ", i), strings.Replace(c.Email, "first", "First", 1)
	claim, err := l.Claim(t.Context(), run, c, "", invite.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	o := invite.Outcome{State: invite.Invited, Link: fmt.Sprintf("https://app.example/i/L%dL", i),
		ReportID: fmt.Sprintf("report%dr", i), CandidateID: fmt.Sprintf("cand%dc", i)}
	if _, err := l.Record(t.Context(), claim, o); err != nil {
		t.Fatal(err)
	}
	return []string{c.Key.Email, c.Email, c.Name, o.Link, o.ReportID, o.CandidateID}
}

// found counts the files of a folder that have any of the texts in them.
func found(t *testing.T, dir string, texts []string) (names []string) {
	t.Helper()
	for name, content := range files(t, dir) {
		for _, text := range texts {
			if strings.Contains(content, text) {
				names = append(names, name+": "+text)
			}
		}
	}
	return names
}

func TestPurge_leavesNoByteInAnyFile(t *testing.T) {
	for name, forget := range map[string]bool{"tombstones": false, "forget": true} {
		path := newPath(t)
		dir := filepath.Dir(path)
		l := mustOpen(t, path, Options{Mode: Create})
		run := mustClaim(t, l, 0)
		var traces []string
		for i := range 200 {
			traces = append(traces, mustInvite(t, l, run, i)...)
		}
		c := candidate(500)
		if _, err := l.Import(t.Context(), []ledger.Imported{{Candidate: c, State: invite.Invited, Link: "https://app.example/i/imported"}},
			"ann", "told by "+c.Email); err != nil {
			t.Fatal(err)
		}
		traces = append(traces, c.Key.Email, "https://app.example/i/imported")
		if len(found(t, dir, traces)) < len(traces) {
			t.Fatal("the texts are not in the files before: the test tells nothing")
		}
		everybody := ledger.Purge{Before: time.Now().Add(time.Hour), Forget: forget, Who: "ann", Why: "retention"}
		purged, err := l.Purge(t.Context(), everybody)
		if err != nil || purged.Tombstones+purged.Deleted != 201 {
			t.Fatalf("%s: Purge = %+v, %v, want 201 people", name, purged, err)
		}
		if got := found(t, dir, traces); len(got) > 0 {
			t.Errorf("%s: after the purge the files have %d texts, such as %s", name, len(got), got[0])
		}
		mustClose(t, l)
		if got := found(t, dir, traces); len(got) > 0 {
			t.Errorf("%s: after the end the files have %d texts, such as %s", name, len(got), got[0])
		}
	}
}

func TestPurge_tellsOfAReaderWhoKeepsTheLog(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, l, 0)
	traces := mustInvite(t, l, run, 0)
	reader := mustOpen(t, path, Options{Mode: Read})
	person := ledger.Purge{Email: traces[0], Who: "ann", Why: "asked"}
	// Its snapshot is held open, as a slow export does.
	err := reader.Records(t.Context(), ledger.Filter{}, func(invite.Record) error {
		purged, err := l.Purge(t.Context(), person)
		want := fmt.Sprintf("rewrite ledger %q after the purge: somebody is reading it, "+
			"so that its log still has what was purged; purge once more", path)
		if purged != (ledger.Purged{Tombstones: 1}) || err == nil || err.Error() != want {
			t.Errorf("Purge = %+v, %v, want 1 tombstone and %s", purged, err, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if purged, err := l.Purge(t.Context(), person); err != nil || purged != (ledger.Purged{}) {
		t.Errorf("the second Purge = %+v, %v, want nothing to do", purged, err)
	}
	if got := found(t, filepath.Dir(path), traces); len(got) > 0 {
		t.Errorf("after the second purge the files have %v", got)
	}
}

func TestPurge_isSeenByWhoeverIsReadingAlready(t *testing.T) {
	path := newPath(t)
	l := mustOpen(t, path, Options{Mode: Create})
	run := mustClaim(t, l, 0)
	mustInvite(t, l, run, 0)
	reader := mustOpen(t, path, Options{Mode: Read})
	if _, err := l.Purge(t.Context(), ledger.Purge{Email: candidate(0).Key.Email, Who: "ann", Why: "asked"}); err != nil {
		t.Fatal(err)
	}
	histories, err := reader.Lookup(t.Context(), []invite.Key{candidate(0).Key})
	if err != nil || len(histories[0].Records) != 1 || !histories[0].Records[0].Purged {
		t.Errorf("Lookup = %+v, %v, want the tombstone", histories, err)
	}
}

// Two ledgers must not have the same digests: what leaks from one would be looked up in the other.
func TestPurge_digestsAreOfOneLedgerOnly(t *testing.T) {
	digests := map[string]bool{}
	for range 2 {
		l := mustOpen(t, newPath(t), Options{Mode: Create})
		run := mustClaim(t, l, 0)
		mustInvite(t, l, run, 0)
		if _, err := l.Purge(t.Context(), ledger.Purge{Email: candidate(0).Key.Email, Who: "ann", Why: "asked"}); err != nil {
			t.Fatal(err)
		}
		if err := l.Records(t.Context(), ledger.Filter{}, func(r invite.Record) error {
			digests[r.Key.Email] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(digests) != 2 {
		t.Errorf("digests of one address in two ledgers: %v, want two", digests)
	}
}

// An address may well begin with #, and look like a digest up to its @.
func TestPurge_noAddressIsTakenForADigest(t *testing.T) {
	for _, email := range []string{"#" + strings.Repeat("a", 63) + "@example.org", "#@example.org"} {
		normal, err := invite.NormalizeEmail(email)
		if err == nil && isDigest(normal) {
			t.Errorf("%s is taken for a digest", normal)
		}
	}
	if d := digester("key").of("ann@example.org"); !isDigest(d) || len(d) != 65 {
		t.Errorf("the digest %q is not taken for one", d)
	}
}
