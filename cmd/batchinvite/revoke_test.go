package main

import (
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"batchinvite/pkg/sandbox"
)

// TestRevoke_kill kills the program in the middle of revoking and starts it again until all is done: what the vendor has
// revoked is revoked in the ledger, and nobody else is.
func TestRevoke_kill(t *testing.T) {
	t.Parallel()
	const rows = 120
	var victim atomic.Pointer[os.Process]
	var fuse atomic.Int64
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(k sandbox.Key, _ int) sandbox.Fault {
		if k.Report != 0 && fuse.Add(-1) == 0 {
			victim.Load().Kill()
		}
		return sandbox.Fault{}
	}})
	w.program = buildProgram(t)
	w.write("c.csv", people(rows, "getlink"))
	w.write("d.csv", people(10, "getlink"))
	w.mustRun(0, "run", "c.csv")
	w.mustRun(0, "run", "d.csv", "--campaign", "autumn")
	kills := 0
	for round := 0; w.counts()["revoked"] < rows && round < 100; round++ {
		cmd := w.command("revoke", "--run", "1", "--yes", "--workers", "4")
		fuse.Store(1 + rand.Int64N(rows/4))
		victim.Store(nil)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		victim.Store(cmd.Process)
		if err := cmd.Wait(); err != nil {
			kills++
		}
	}
	fuse.Store(-1)
	t.Logf("%d kills", kills)
	if kills < 3 {
		t.Errorf("%d kills, too few to show anything", kills)
	}
	w.mustRun(0, "revoke", "--run", "1", "--yes")
	if got := w.counts(); got["revoked"] != rows || got["invited"] != 10 || w.vendor.Revocations() != rows {
		t.Errorf("the ledger has %v, the vendor %d revocations, want %d of one run and 10 invited by the other", got, w.vendor.Revocations(), rows)
	}
}

func TestRevoke_everyWordOfTheVendors(t *testing.T) {
	t.Parallel()
	kinds := []sandbox.Kind{"", sandbox.NotAllowed, sandbox.ResetAfter, sandbox.ErrorAfter, "403", "404"}
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(k sandbox.Key, attempt int) sandbox.Fault {
		if k.Report == 0 || attempt > 1 {
			return sandbox.Fault{}
		}
		return sandbox.Fault{Kind: kinds[int(k.Email[1]-'0')]}
	}})
	w.write("c.csv", people(len(kinds), "sendlink"))
	w.mustRun(0, "init")
	w.mustRun(0, "run", "c.csv", "--yes")
	_, said := w.mustRun(1, "revoke", "--file", "c.csv", "--yes", "--workers", "1", "--max-failures", "100%")
	table := w.read("revoke.results.csv")
	if got := strings.Join(column(table, "invite_status"), " "); got != "revoked rejected revoked revoked not_sent not_sent" {
		t.Errorf("statuses %s\n%s\n%s", got, strings.Join(column(table, "invite_error"), "\n"), said)
	}
}
