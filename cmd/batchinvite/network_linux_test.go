package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"batchinvite/pkg/sandbox"
)

// elsewhere lets the program see its whole world on a file server, by another text in the place of the system's list of
// mounts: the process that puts it there becomes the program. There is no real file server in a test.
func (w *world) elsewhere(code int, env []string, args ...string) (said string) {
	w.t.Helper()
	w.write("mounts", "1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:41 / "+w.dir+" rw - nfs4 files:/home rw\n")
	program, err := exec.LookPath("batchinvite")
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := w.command(args...)
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", `mount --bind mounts /proc/$$/mountinfo && exec "$@"`, "sh", program}, args...)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		w.t.Errorf("batchinvite %q: %v, want exit code %d\n%s", args, err, code, out)
	}
	return string(out)
}

func TestNetwork_ledgerIsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	if !privately(t) {
		return
	}
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	w.write("c.csv", people(2, "getlink"))
	resolve := []string{"resolve", "p1@example.org", "--sent", "--why", "seen", "--ledger", "state/l.db"}
	for _, args := range [][]string{{"run", "c.csv"}, {"run", "c.csv", "--ledger", "state/l.db"}, {"init", "--ledger", "state/l.db"}, resolve} {
		said := w.elsewhere(2, nil, args...)
		wantSaid(t, said, `batchinvite: open ledger ".*": it is on a network file system \(nfs4\)`,
			"hint: keep it on a disk of this machine: --ledger FILE",
			"hint: or if no other machine ever uses it: --allow-network-ledger")
	}
	if got := w.vendor.Calls(); got != 0 || exists(filepath.Join(w.dir, "state")) {
		t.Errorf("%d calls, and the ledger's folder is there: %t, want nothing of either", got, exists(filepath.Join(w.dir, "state")))
	}

	w.elsewhere(0, nil, "init", "--ledger", "state/l.db", "--allow-network-ledger")
	w.elsewhere(0, []string{"BATCHINVITE_ALLOW_NETWORK_LEDGER=true"}, "run", "c.csv", "--ledger", "state/l.db")
	w.write("config.yaml", "allow-network-ledger: true\n")
	said := w.elsewhere(2, nil, append(resolve, "--config", "config.yaml")...)
	wantSaid(t, said, "batchinvite: there is no unknown row of p1@example.org that fits",
		"hint: batchinvite status .* --ledger state/l.db --allow-network-ledger")
	// Reading needs no leave, and a rehearsal's ledger is thrown away.
	w.elsewhere(0, nil, "status", "--ledger", "state/l.db")
	w.elsewhere(0, nil, "run", "c.csv", "--sandbox", "--yes")
	if got := w.vendor.Calls(); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "c.results.csv")); err != nil {
		t.Errorf("no results of the run that was allowed: %v", err)
	}
}
