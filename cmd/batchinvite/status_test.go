package main

import (
	"encoding/json"
	"testing"

	"batchinvite/pkg/sandbox"
)

func TestStatus_json(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault { return sandbox.Fault{Kind: sandbox.ErrorAfter} }})
	w.write("ü\x1b[31m.csv", people(1, "sendlink"))
	w.mustRun(0, "init")
	w.mustRun(4, "run", "ü\x1b[31m.csv", "--yes")
	out, _ := w.mustRun(0, "status", "--json")
	var st status
	if err := json.Unmarshal([]byte(out), &st); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	switch {
	case st.Since.IsZero(), st.States["unknown"] != 1, len(st.Campaigns) != 1, st.Campaigns[0].States["unknown"] != 1:
		t.Errorf("counts: %+v", st)
	case len(st.Runs) != 1, st.Runs[0].Ended.IsZero(), st.Runs[0].Alive, st.Runs[0].Counts["unknown"] != 1, st.Runs[0].Files[0] != "ü\x1b[31m.csv":
		t.Errorf("runs: %+v", st.Runs)
	case len(st.Open) != 1, st.Open[0].Email != "p***@example.org", st.Open[0].Line != 2, st.Open[0].File != "ü\x1b[31m.csv", st.Open[0].Error == "":
		t.Errorf("open: %+v", st.Open)
	}
	out, _ = w.mustRun(0, "status")
	for _, r := range out {
		if r == 0x1b {
			t.Errorf("the name of a file reaches the terminal with its escape codes: %q", out)
			break
		}
	}
}
