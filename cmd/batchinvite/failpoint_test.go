package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"batchinvite/pkg/sandbox"
)

// failpointSource is what a package gets in a build with failpoints. FAILPOINT=NAME=ACTION@VISIT names one, what happens
// there, and at which visit; the file FAILPOINT_REACHED tells that it did.
const failpointSource = `package %s

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var failpointVisits atomic.Int64

func failpoint(name string) error {
	want, rest, _ := strings.Cut(os.Getenv("FAILPOINT"), "=")
	action, visit, _ := strings.Cut(rest, "@")
	if name != want || strconv.FormatInt(failpointVisits.Add(1), 10) != visit {
		return nil
	}
	os.WriteFile(os.Getenv("FAILPOINT_REACHED"), nil, 0o600)
	switch action {
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stall":
		<-time.After(1500 * time.Millisecond)
		return nil
	}
	return errors.New("failpoint " + name)
}
`

// step is one of those between which a row may be caught: the code that makes it, and the same with a failpoint before
// and after it.
type step struct {
	name string
	patch
}

// around puts the failpoints in for BEFORE and AFTER, which stand where an error is what the code expects.
func around(name, file, old, text string) step {
	text = strings.ReplaceAll(text, "BEFORE", fmt.Sprintf("failpoint(%q)", "before "+name))
	text = strings.ReplaceAll(text, "AFTER", fmt.Sprintf("failpoint(%q)", "after "+name))
	return step{name, patch{file, old, text}}
}

var failpointSteps = []step{
	around("slot", "pkg/pipeline/step.go", "		p.slot, err = s.Pace.Wait(take)\n",
		"		if err = BEFORE; err == nil {\n p.slot, err = s.Pace.Wait(take)\n}\nif err == nil {\n err = AFTER\n}\n"),
	around("claim", "pkg/pipeline/step.go", "	claim, err := s.Ledger.Claim(context.WithoutCancel(abort), s.Run, c, expires, s.Policy)\n",
		"	if err := BEFORE; err != nil {\n return invite.Answer{}, err\n}\nclaim, err := s.Ledger.Claim(context.WithoutCancel(abort), s.Run, c, expires, s.Policy)\nif err == nil {\n err = AFTER\n}\n"),
	around("outcome", "pkg/pipeline/step.go", "	attempts, err = s.Ledger.Record(context.WithoutCancel(abort), claim, o)\n",
		"	if err = BEFORE; err == nil {\n attempts, err = s.Ledger.Record(context.WithoutCancel(abort), claim, o)\n}\nif err == nil {\n err = AFTER\n}\n"),
	around("begin", "pkg/ledger/sqlite/writer.go", "	tx, err := w.conn.BeginTx(background, nil)\n	if err != nil {\n",
		"	if err := BEFORE; err != nil {\n return err\n}\ntx, err := w.conn.BeginTx(background, nil)\nif err == nil {\n if err = AFTER; err != nil {\n tx.Rollback()\n}\n}\nif err != nil {\n"),
	around("commit", "pkg/ledger/sqlite/writer.go", "	return tx.Commit()\n",
		"	if err := BEFORE; err != nil {\n tx.Rollback()\n return err\n}\nif err := tx.Commit(); err != nil {\n return err\n}\nreturn AFTER\n"),
	around("dial", "pkg/api/client.go", "			conn, err := dialer.DialContext(ctx, network, addr)\n",
		"			if err := BEFORE; err != nil {\n return nil, err\n}\nconn, err := dialer.DialContext(ctx, network, addr)\nif err == nil {\n err = AFTER\n}\n"),
	around("write", "pkg/api/wire.go", "	return c.Conn.Write(p)\n",
		"	if err := BEFORE; err != nil {\n return 0, err\n}\nn, err := c.Conn.Write(p)\nif err == nil {\n err = AFTER\n}\nreturn n, err\n"),
	around("first byte", "pkg/api/client.go", "	resp, err := c.transport.RoundTrip(c.request(httptrace.WithClientTrace(callCtx, w.trace()), j))\n",
		"	resp, err := c.transport.RoundTrip(c.request(httptrace.WithClientTrace(callCtx, w.trace()), j))\nif err == nil {\n err = BEFORE\n}\nif err == nil {\n err = AFTER\n}\n"),
	around("body", "pkg/api/reply.go", "	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))\n",
		"	err := BEFORE\nvar body []byte\nif err == nil {\n body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))\n}\nif err == nil {\n err = AFTER\n}\n"),
	around("rename", "pkg/results/file.go", "	if err := os.Rename(f.whole, f.path); err != nil {\n",
		"	failed := BEFORE\nif failed == nil {\n failed = os.Rename(f.whole, f.path)\n}\nif failed == nil {\n failed = AFTER\n}\nif err := failed; err != nil {\n"),
	around("folder fsync", "pkg/results/file.go", "	err = folder.Sync()\n",
		"	if err = BEFORE; err == nil {\n err = folder.Sync()\n}\nif err == nil {\n err = AFTER\n}\n"),
	around("recovery", "pkg/ledger/sqlite/writer.go", "	if err := w.orphan(ctx, 0, now); err != nil {\n		return err\n	}\n",
		"	if err := BEFORE; err != nil {\n return err\n}\nif err := w.orphan(ctx, 0, now); err != nil {\n return err\n}\nif err := AFTER; err != nil {\n return err\n}\n"),
}

// once are the steps that a run may make no more than once.
var once = []string{"dial", "rename", "folder fsync", "recovery"}

// TestFailpoints makes every step fail, stall or be the last one, before and after it, in both formats, and runs the
// program again until it is done: nobody is e-mailed twice, no row is lost, and the results are true.
func TestFailpoints(t *testing.T) {
	patches, packages := []patch{}, map[string]bool{}
	for _, s := range failpointSteps {
		patches = append(patches, s.patch)
		packages[filepath.Dir(s.file)] = true
	}
	for dir := range packages {
		patches = append(patches, patch{file: dir + "/failpoint.go", new: fmt.Sprintf(failpointSource, filepath.Base(dir))})
	}
	program := buildPatched(t, patches...)
	var cases, reached atomic.Int64
	t.Run("table", func(t *testing.T) {
		for _, s := range failpointSteps {
			for _, side := range []string{"before ", "after "} {
				for i, action := range []string{"kill", "error", "stall"} {
					for j, format := range []string{"getlink", "sendlink"} {
						// A stall is the slowest and hurts least: without patience one format of it is enough.
						if action == "stall" && os.Getenv("BATCHINVITE_SOAK") == "" && (i+j+len(s.name))%2 == 0 {
							continue
						}
						t.Run(side+s.name+"/"+action+"/"+format, func(t *testing.T) {
							t.Parallel()
							cases.Add(1)
							if failAt(t, program, side+s.name, action, format) {
								reached.Add(1)
							}
						})
					}
				}
			}
		}
	})
	t.Logf("%d cases at %d points", cases.Load(), 2*len(failpointSteps))
	if cases.Load() != reached.Load() {
		t.Errorf("%d of %d failpoints were reached", reached.Load(), cases.Load())
	}
}

const (
	failRows    = 12
	failWorkers = 3
)

// failAt tells whether the failpoint was reached.
func failAt(t *testing.T, program, point, action, format string) (reached bool) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.program = program
	w.write("c.csv", people(failRows, format))
	w.mustRun(0, "init")
	visit := 5
	for _, name := range once {
		if strings.HasSuffix(point, name) {
			visit = 1
		}
	}
	args := []string{"run", "c.csv", "--yes", "--workers", fmt.Sprint(failWorkers), "--timeout", "1s", "--max-failures", "100%"}
	mark := filepath.Join(w.dir, "reached")
	failing := w.command(args...)
	failing.Env = append(failing.Env, fmt.Sprintf("FAILPOINT=%s=%s@%d", point, action, visit), "FAILPOINT_REACHED="+mark)
	out, _ := failing.CombinedOutput() // its exit code is that of what happened
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the run never came to %s:\n%s", point, out)
	} else {
		reached = true
	}
	if n := w.counts()["unknown"]; n > failWorkers {
		t.Errorf("%d unknown, want at most the %d workers\n%s", n, failWorkers, out)
	}
	code, said := -1, ""
	for round := 0; round < 4 && code != 0 && (code != 4 || format == "getlink"); round++ {
		code, _, said = w.run(args...)
	}
	if code != 0 && (code != 4 || format == "getlink") {
		t.Errorf("exit code %d at the end\n%s\nthe run that failed:\n%s", code, said, out)
	}
	w.wantHonest("c.results.csv")
	if got := len(w.read("c.results.csv")) - 1; got != failRows {
		t.Errorf("%d result rows for %d rows", got, failRows)
	}
	if twice := w.vendor.Duplicates("sendlink"); len(twice) > 0 {
		t.Errorf("%d people were e-mailed twice\n%s", len(twice), out)
	}
	return reached
}
