package main

import (
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

// after gives the first calls no fault, the next the kind, and the rest none again.
func after(good, bad int64, kind sandbox.Kind) func(sandbox.Key, int) sandbox.Fault {
	var calls atomic.Int64
	return func(sandbox.Key, int) sandbox.Fault {
		if n := calls.Add(1); n > good && n <= good+bad {
			return sandbox.Fault{Kind: kind}
		}
		return sandbox.Fault{}
	}
}

func tally(table [][]string, status string) (n int) {
	for _, s := range column(table, "invite_status") {
		if s == status {
			n++
		}
	}
	return n
}

func TestOutage_getlinkWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: after(20, 7, sandbox.BadGateway)})
	w.write("c.csv", people(60, "getlink"))
	code, _, said := w.run("run", "c.csv", "--workers", "4", "--progress", "lines", "--log-format", "json")
	if code != 0 && code != 4 { // one row may have had all of its three tries in the outage
		t.Errorf("exit code %d, want everybody invited, or one unknown\n%s", code, said)
	}
	if !strings.Contains(said, `"reason":"the vendor is down since `) || !strings.Contains(said, `the vendor answered 502: sandbox fault 502","until":"`) {
		t.Errorf("nothing is said of the outage, and until when it is waited for:\n%s", said)
	}
	if got := w.vendor.Calls(); got < 65 || got > 67 {
		t.Errorf("%d calls, want 60 and the 7 in vain", got)
	}
	w.wantHonest("c.results.csv")
	w.mustRun(0, "run", "c.csv")
}

func TestOutage_sendlinkStopsAtTheFifthUnknown(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: after(20, 1000, sandbox.ErrorAfter)})
	w.write("c.csv", people(60, "sendlink"))
	w.mustRun(0, "init")
	_, said := w.mustRun(3, "run", "c.csv", "--yes", "--workers", "1")
	if !strings.Contains(said, "\nstopped: 5 sendlink calls in a row ended without an answer that counts: may already be e-mailed: the vendor answered 500") {
		t.Errorf("the reason is missing:\n%s", said)
	}
	if got := w.vendor.Calls(); got != 25 {
		t.Errorf("%d calls, want 20 good ones and 5 in the dark", got)
	}
	if table := w.read("c.results.csv"); tally(table, "unknown") != 5 || tally(table, "not_sent") != 35 {
		t.Errorf("%v, want 5 unknown and 35 not_sent", column(table, "invite_status"))
	}
	w.wantHonest("c.results.csv")
}

func TestOutage_maxUnknown(t *testing.T) {
	var calls atomic.Int64
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault {
		if calls.Add(1)%3 == 0 {
			return sandbox.Fault{Kind: sandbox.ResetAfter}
		}
		return sandbox.Fault{}
	}})
	w.write("c.csv", people(200, "sendlink"))
	w.mustRun(0, "init")
	_, said := w.mustRun(3, "run", "c.csv", "--yes", "--max-unknown", "3", "--max-failures", "100%")
	if !strings.Contains(said, "\nstopped: 4 people became unknown, more than --max-unknown 3: ") {
		t.Errorf("the reason is missing:\n%s", said)
	}
	if n := tally(w.read("c.results.csv"), "unknown"); n != 4 {
		t.Errorf("%d unknown, want 4", n)
	}
}

func TestOutage_maxFailures(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: after(40, 1000, sandbox.Rejected)})
	w.write("c.csv", people(300, "getlink"))
	_, said := w.mustRun(3, "run", "c.csv", "--workers", "1")
	if !strings.Contains(said, "\nstopped: 11 of 51 rows called failed, more than --max-failures 20%\n") {
		t.Errorf("the reason is missing:\n%s", said)
	}
	w.write("d.csv", strings.ReplaceAll(people(300, "getlink"), ",4711,", ",4712,"))
	_, said = w.mustRun(3, "run", "d.csv", "--workers", "1", "--max-failures", "3")
	if !strings.Contains(said, "\nstopped: 4 of 4 rows called failed, more than --max-failures 3\n") {
		t.Errorf("the reason is missing:\n%s", said)
	}
}

func TestOutage_nobodyIsThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, sandbox.Config{})
	w.url = "http://" + listener.Addr().String() + "/api/v2"
	if err := listener.Close(); err != nil { // the port refuses from now on
		t.Fatal(err)
	}
	w.write("c.csv", people(60, "sendlink"))
	w.mustRun(0, "init")
	_, said := w.mustRun(3, "run", "c.csv", "--yes", "--give-up-after", "3s")
	// The first row goes alone, and may have lost its patience before its fifth call.
	wantSaid(t, said, `stopped: (the vendor gave no answer that counts for 3s \(--give-up-after\)|a row had no success for 3s): not sent: cannot connect to .*`)
	if n := tally(w.read("c.results.csv"), "not_sent"); n != 60 {
		t.Errorf("%d not sent, want all 60", n)
	}

	r := w.start("run", "c.csv", "--yes", "--progress", "lines", "--log-format", "json")
	r.waitSaid(t, `"message":"paused"`)
	began := time.Now()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.wantExit(t, 143)
	t.Logf("a signal ends an outage in %v", time.Since(began))
}

// A pause of ten minutes does not keep the program from ending: a test that waited for it would not come to its end.
func TestSignal_endsAPauseAtOnce(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.Throttled, RetryAfter: 10 * time.Minute}
	}})
	w.write("c.csv", people(60, "sendlink"))
	w.mustRun(0, "init")
	r := w.start("run", "c.csv", "--yes", "--progress", "lines", "--log-format", "json")
	r.waitSaid(t, `"reason":"429, too many requests, Retry-After"`)
	began := time.Now()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	r.wantExit(t, 143)
	t.Logf("a signal ends a pause in %v", time.Since(began))
	if n := tally(w.read("c.results.csv"), "not_sent"); n != 60 {
		t.Errorf("%d not sent, want all 60", n)
	}
}

// A row that waits for its next try is on record as not sent: whatever kills the program then makes nothing unknown.
func TestKill_inAPauseMakesNothingUnknown(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", Script: func(sandbox.Key, int) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.Throttled, RetryAfter: 10 * time.Minute}
	}})
	w.write("c.csv", people(60, "sendlink"))
	w.mustRun(0, "init")
	r := w.start("run", "c.csv", "--yes", "--progress", "lines", "--log-format", "json")
	r.waitSaid(t, `"message":"paused"`)
	if err := r.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-r.done
	if got := w.counts(); got["unknown"] > 0 || got["not_sent"] == 0 {
		t.Errorf("%v after a kill in a pause, want nothing unknown", got)
	}
}
