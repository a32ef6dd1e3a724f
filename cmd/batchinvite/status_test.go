package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

// statusJSON gives what status --json says, by its names.
func (w *world) statusJSON(args ...string) map[string]any {
	w.t.Helper()
	out, _ := w.mustRun(0, append([]string{"status", "--json"}, args...)...)
	if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && obeyed(r) }); i >= 0 {
		w.t.Errorf("a terminal would obey %q", out[i:min(len(out), i+20)])
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return got
}

// The whole of it, so that no name changes unnoticed: scripts read it.
func TestStatus_json(t *testing.T) {
	const name = "ü\x1b[31m\u009b\u202e.csv"
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault { return sandbox.Fault{Kind: sandbox.ErrorAfter} }})
	ledger := w.dir + "/state/batchinvite/ledger.db"
	account := strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/api/v2") + "/default"
	want := map[string]any{"ledger": ledger, "account": account, "states": map[string]any{}, "campaigns": []any{}, "runs": []any{}, "open": []any{}}
	if diff := cmp.Diff(want, w.statusJSON()); diff != "" {
		t.Errorf("without a ledger (-want +got):\n%s", diff)
	}
	w.write(name, people(1, "sendlink"))
	w.mustRun(0, "init")
	w.mustRun(4, "run", name, "--yes", "--workers", "3")

	got := w.statusJSON()
	run := got["runs"].([]any)[0].(map[string]any)
	row := got["open"].([]any)[0].(map[string]any)
	for _, at := range []struct {
		of   map[string]any
		name string
	}{{got, "since"}, {run, "started"}, {run, "ended"}, {row, "since"}} {
		if text, _ := at.of[at.name].(string); !isTime(text) {
			t.Errorf("%s is %q, want a time in UTC", at.name, text)
		}
		delete(at.of, at.name)
	}
	settings := run["settings"].(map[string]any)
	if settings["workers"] != "3" {
		t.Errorf("settings: %v", settings)
	}
	for _, varying := range []string{"settings", "host"} {
		delete(run, varying)
	}
	resolve := " --assessment-id 4711 --campaign default --format sendlink --ledger " + ledger + " --base-url " + w.url + " --sent|--not-sent --why TEXT"
	counts := map[string]any{"unknown": 1.0}
	want = map[string]any{
		"ledger": ledger, "account": account, "states": counts,
		"campaigns": []any{map[string]any{"name": "default", "states": counts}},
		"runs":      []any{map[string]any{"id": 1.0, "command": "run", "campaign": "default", "alive": false, "files": []any{name}, "counts": counts}},
		"open": []any{map[string]any{"state": "unknown", "email": "p***@example.org", "assessment_id": 4711.0, "format": "sendlink",
			"campaign": "default", "file": name, "line": 2.0, "run": 1.0, "error": "may already be e-mailed: the vendor answered 500: sandbox fault 500-after",
			"resolve": "batchinvite resolve EMAIL" + resolve}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status --json (-want +got):\n%s", diff)
	}
	row = w.statusJSON("--show-emails")["open"].([]any)[0].(map[string]any)
	if row["email"] != "p0@example.org" || row["resolve"] != "batchinvite resolve p0@example.org"+resolve {
		t.Errorf("with --show-emails: %v", row)
	}
	out, _ := w.mustRun(0, "status")
	if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && obeyed(r) }); i >= 0 || !strings.Contains(out, `"ü\x1b[31m\u009b\u202e.csv" line 2`) {
		t.Errorf("the name of a file is not spelt out:\n%q", out)
	}
}

func isTime(text string) bool {
	at, err := time.Parse(time.RFC3339, text)
	return err == nil && !at.IsZero() && strings.HasSuffix(text, "Z")
}

func TestStatus_inFlightAndDiedRuns(t *testing.T) {
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: g.script})
	w.write("c.csv", people(1, "sendlink"))
	w.mustRun(0, "init")
	p := w.start("run", "c.csv", "--yes")
	g.wait(t)
	got := w.statusJSON()
	if states := got["states"].(map[string]any); states["in_flight"] != 1.0 {
		t.Errorf("states while a run is alive: %v", states)
	}
	row := got["open"].([]any)[0].(map[string]any)
	if _, resolvable := row["resolve"]; row["state"] != "in_flight" || resolvable {
		t.Errorf("the row while its run is alive: %v", row)
	}
	lines := func(start string) (found []string) {
		out, _ := w.mustRun(0, "status")
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, start) {
				found = append(found, line)
			}
		}
		return found
	}
	if got := lines("run 1"); len(got) != 1 || !strings.HasSuffix(got[0], ", is alive\n") {
		t.Errorf("the run while it is alive: %q", got)
	}
	if got := lines("in flight: p***@example.org, assessment 4711, sendlink, campaign default, c.csv line 2, claimed "); len(got) != 1 {
		t.Errorf("%d rows in flight, want 1", len(got))
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	close(g.open)
	if got := lines("run 1"); len(got) != 1 || !strings.HasSuffix(got[0], ", died\n") {
		t.Errorf("the run after its death: %q", got)
	}
	if got := lines("unknown: "); len(got) != 1 || !strings.HasSuffix(got[0], ": the run ended before the answer was recorded\n") {
		t.Errorf("the row after its run's death: %q", got)
	}
}

func TestPlain_leavesNothingForTheTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Zoë's list.csv": "Zoë's list.csv",
		"a\x1b[2Jb":      `"a\x1b[2Jb"`,
		"a\x9bb":         `"a\x9bb"`, // no UTF-8, and a control sequence's beginning for some
		"a\u202eb":       `"a\u202eb"`,
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %s, want %s", in, got, want)
		}
	}
	if got, want := asciiControls("\"é\u009b\U000e0001\"\n"), `"é\u009b\udb40\udc01"`+"\n"; got != want {
		t.Errorf("asciiControls = %s, want %s", got, want)
	}
	if slices.ContainsFunc([]rune("aé 漢😀"), obeyed) {
		t.Error("what can be seen is obeyed")
	}
}
