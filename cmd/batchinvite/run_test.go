package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

func TestRun_3000RowsOnceAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{Seed: 1, APIKey: "k-1"})
	w.write("c.csv", people(3000, "getlink"))
	w.mustRun(0, "run", "c.csv")
	if got := w.vendor.Calls(); got != 3000 {
		t.Errorf("%d requests for 3000 rows", got)
	}
	first := w.read("c.results.csv")
	for i, email := range column(first, "email") {
		if want := fmt.Sprintf("p%d@example.org", i); email != want {
			t.Fatalf("result row %d is %s, want %s: not in input order", i, email, want)
		}
	}
	links := column(first, "invite_link")
	if sorted := slices.Compact(slices.Sorted(slices.Values(links))); len(sorted) != 3000 {
		t.Errorf("%d different links for 3000 people", len(sorted))
	}

	w.mustRun(0, "run", "c.csv")
	if got := w.vendor.Calls(); got != 3000 {
		t.Errorf("%d requests after the second run, want none on top of 3000", got)
	}
	second := w.read("c.results.csv")
	if !slices.Equal(column(second, "invite_link"), links) {
		t.Error("the second run gives other links")
	}
	if got := slices.Compact(column(second, "invite_status")); !slices.Equal(got, []string{"already_invited"}) {
		t.Errorf("statuses of the second run: %v, want already_invited alone", got)
	}
	if got := slices.Compact(column(second, "invite_attempts")); !slices.Equal(got, []string{"1"}) {
		t.Errorf("attempts after the second run: %v, want 1 each", got)
	}
}

func TestRun_samePersonThreeTimes(t *testing.T) {
	t.Parallel()
	const between = 20_000 // more than twice the reorder window
	w := newWorld(t, sandbox.Config{Seed: 1, APIKey: "k-1", CountsOnly: true})
	w.program = buildProgram(t)
	var b strings.Builder
	b.WriteString("name,email,assessment_id,format\n")
	b.WriteString("Ann,ann@example.org,4711,getlink\nAnn,ANN@Example.org,4711,getlink\n")
	for i := range between {
		fmt.Fprintf(&b, "Person %d,p%d@example.org,4711,getlink\n", i, i)
	}
	b.WriteString("Anne,ann@example.org,4711,getlink\nAnn,ann@example.org,4711,getlink\nBob,bob@example.org,4711,getlink\n")
	w.write("c.csv", b.String())
	for round := range 3 {
		w.mustRun(1, "run", "c.csv", "--workers", "64")
		if got := w.vendor.Calls(); got != between+2 {
			t.Fatalf("round %d: %d requests for Ann, Bob and %d others", round, got, between)
		}
		table := w.read("c.results.csv")
		status, link, text := column(table, "invite_status"), column(table, "invite_link"), column(table, "invite_error")
		n := len(status)
		owner := "invited"
		if round > 0 {
			owner = "already_invited"
		}
		if got := []string{status[0], status[1], status[n-3], status[n-2], status[n-1]}; !slices.Equal(got, []string{owner, "duplicate", "duplicate", "duplicate", owner}) {
			t.Errorf("round %d: statuses %v", round, got)
		}
		if link[0] == "" || link[1] != link[0] || link[n-2] != link[0] || link[n-3] != "" {
			t.Errorf("round %d: links %q %q %q %q", round, link[0], link[1], link[n-3], link[n-2])
		}
		if want := `same person as line 2, but another name: "Ann" there, "Anne" here`; text[n-3] != want {
			t.Errorf("round %d: %q, want %q", round, text[n-3], want)
		}
	}
}

func TestRun_faults(t *testing.T) {
	const faults = "422=0.03,429=0.02,500-before=0.03,500-after=0.03,reset-before=0.03,reset-after=0.03,truncated=0.02,html=0.02,latency=2ms"
	plan, err := sandbox.ParsePlan(faults)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("sendlink is never mailed twice", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Config{Seed: 7, APIKey: "k-1", Plan: plan})
		w.write("c.csv", people(400, "sendlink"))
		w.mustRun(0, "init")
		code, said := -1, ""
		// Five losses in a row stop a run, and so does a page that is the first answer.
		for round := 0; round < 2 || (code == 3 || code == 7) && round < 10; round++ {
			code, _, said = w.run("run", "c.csv", "--yes", "--max-unknown", "1000", "--max-failures", "100%")
		}
		if code != 4 {
			t.Fatalf("exit code %d, want 4: some rows are unknown\n%s", code, said)
		}
		if twice := w.vendor.Duplicates("sendlink"); len(twice) > 0 {
			t.Errorf("%d people were e-mailed twice", len(twice))
		}
		w.wantHonest("c.results.csv")
	})
	t.Run("getlink ends with everybody invited", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sandbox.Config{Seed: 7, APIKey: "k-1", Plan: plan})
		w.write("c.csv", people(400, "getlink"))
		code := -1
		for round := 0; code != 0 && round < 5; round++ {
			code, _, _ = w.run("run", "c.csv", "--retry-rejected", "--max-failures", "100%")
		}
		if code != 0 {
			t.Errorf("exit code %d after five runs, want everybody invited", code)
		}
		w.wantHonest("c.results.csv")
	})
}

// wantHonest compares the results with the vendor's own count.
func (w *world) wantHonest(name string) {
	w.t.Helper()
	for _, lie := range lies(w.read(name), w.vendor.Tallies()) {
		w.t.Error(lie)
	}
}

// lies finds what results files must never say: a person with two rows or none, and somebody who was invited and is not
// said to be, or to be unknown.
func lies(table [][]string, tallies map[sandbox.Key]sandbox.Tally) (found []string) {
	said := map[string]string{}
	status := column(table, "invite_status")
	for i, email := range column(table, "email") {
		if before, twice := said[email]; twice {
			found = append(found, fmt.Sprintf("%s has two result rows, %s and %s", email, before, status[i]))
		}
		said[email] = status[i]
	}
	for key, tally := range tallies {
		if tally.Links+tally.Mails == 0 {
			continue
		}
		switch said[key.Email] {
		case "invited", "already_invited", "unknown":
		default:
			found = append(found, fmt.Sprintf("%s was invited, and the results say %q", key.Email, said[key.Email]))
		}
	}
	return found
}

// A check that can't fail proves nothing: each kind of lie must be seen.
func TestLies_areSeen(t *testing.T) {
	header := []string{"email", "invite_status"}
	mailed := map[sandbox.Key]sandbox.Tally{{Assessment: 1, Email: "a@example.org"}: {Attempts: 1, Mails: 1}}
	for name, tt := range map[string]struct {
		rows [][]string
		want int
	}{
		"the truth":              {[][]string{{"a@example.org", "invited"}, {"b@example.org", "not_sent"}}, 0},
		"what nobody knows":      {[][]string{{"a@example.org", "unknown"}}, 0},
		"invited, called unsent": {[][]string{{"a@example.org", "not_sent"}}, 1},
		"invited, rejected":      {[][]string{{"a@example.org", "rejected"}}, 1},
		"invited, no row":        {[][]string{{"b@example.org", "invited"}}, 1},
		"two rows":               {[][]string{{"a@example.org", "invited"}, {"a@example.org", "invited"}}, 1},
	} {
		if got := lies(append([][]string{header}, tt.rows...), mailed); len(got) != tt.want {
			t.Errorf("%s: %d lies seen, want %d: %v", name, len(got), tt.want, got)
		}
	}
}

func TestRun_revokedPeopleAreLeftAlone(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("c.csv", people(1, "getlink"))
	w.mustRun(0, "run", "c.csv", "--ledger", "l.db")
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "l.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE records SET state = 6"); err != nil { // as an undo leaves it
		t.Fatal(err)
	}
	w.mustRun(1, "run", "c.csv", "--ledger", "l.db")
	if got := column(w.read("c.results.csv"), "invite_status"); !slices.Equal(got, []string{"revoked"}) || w.vendor.Calls() != 1 {
		t.Errorf("status %v after %d calls, want revoked without another call", got, w.vendor.Calls())
	}
	w.mustRun(0, "run", "c.csv", "--ledger", "l.db", "--reinvite-revoked")
	if got := w.vendor.Calls(); got != 2 {
		t.Errorf("%d calls with --reinvite-revoked, want one more", got)
	}
}
