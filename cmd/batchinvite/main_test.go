package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"batchinvite/pkg/sandbox"
)

// The tests below run the real program as a process of its own: exec.Command("batchinvite") finds it in the PATH that
// testscript.Main makes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"batchinvite": main})
}

func TestScripts(t *testing.T) {
	samples, err := filepath.Abs("../../samples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("BATCHINVITE_API_KEY", "k-1")
			env.Setenv("SAMPLES", samples)
			env.Values["vendor"] = &vendor{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"vendor": vendorCmd,
			"code":   codeCmd,
			"rows":   rowsCmd,
		},
	})
}

// vendor is a script's stand-in, in the test's own process, so that what it counts can't be lost with the program.
type vendor struct{ server *sandbox.Server }

// vendorCmd: "vendor start [quota=N] [key=K] [faults...]" sets $VENDOR; "vendor calls N", "vendor invited N" compare.
func vendorCmd(ts *testscript.TestScript, neg bool, args []string) {
	v := ts.Value("vendor").(*vendor)
	if neg || len(args) == 0 {
		ts.Fatalf("usage: vendor start|calls|invited")
	}
	switch args[0] {
	case "start":
		cfg := sandbox.Config{Seed: 1, APIKey: "k-1"}
		for _, arg := range args[1:] {
			name, value, _ := strings.Cut(arg, "=")
			switch name {
			case "quota":
				n, err := strconv.Atoi(value)
				ts.Check(err)
				cfg.Quota = n
			case "key":
				cfg.APIKey = value
			default:
				plan, err := sandbox.ParsePlan(arg)
				ts.Check(err)
				cfg.Plan = plan
			}
		}
		v.server = sandbox.New(cfg)
		http := httptest.NewServer(v.server)
		ts.Defer(func() {
			v.server.Close()
			http.Close()
		})
		ts.Setenv("VENDOR", http.URL+"/api/v2")
	case "calls", "invited":
		got := v.server.Calls()
		if args[0] == "invited" {
			got = v.server.Invitations()
		}
		if fmt.Sprint(got) != args[1] {
			ts.Fatalf("the vendor has %d %s, want %s", got, args[0], args[1])
		}
	}
}

// codeCmd: "code N COMMAND..." runs a command and wants its exit code to be N.
func codeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// rowsCmd: "rows FILE STATUS..." compares the invite_status column from top to bottom.
func rowsCmd(ts *testscript.TestScript, neg bool, args []string) {
	table := parse(ts.ReadFile(args[0]))
	if got, want := strings.Join(column(table, "invite_status"), " "), strings.Join(args[1:], " "); (got == want) == neg {
		ts.Fatalf("statuses of %s: %s, want %s", args[0], got, want)
	}
}

// parse reads a table whose delimiter is the first one in it.
func parse(text string) [][]string {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	if i := strings.IndexAny(text, ",;\t"); i >= 0 {
		r.Comma = rune(text[i])
	}
	table, err := r.ReadAll()
	if err != nil || len(table) == 0 {
		return [][]string{{}}
	}
	return table
}

func column(table [][]string, name string) (cells []string) {
	for i, header := range table[0] {
		if header == name {
			for _, row := range table[1:] {
				cells = append(cells, row[i])
			}
		}
	}
	return cells
}

// world is one machine with a vendor: what Go tests need around the program.
type world struct {
	t       *testing.T
	dir     string
	vendor  *sandbox.Server
	url     string
	program string // "" is the one with the race detector

	tracer atomic.Pointer[os.Process] // of the program that runs under strace
}

func newWorld(t *testing.T, cfg sandbox.Config) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), vendor: sandbox.New(cfg)}
	server := httptest.NewServer(w.vendor)
	t.Cleanup(func() {
		w.vendor.Close()
		server.Close()
	})
	w.url = server.URL + "/api/v2"
	return w
}

// buildProgram builds the program as its users have it, once for all tests: the one that the tests start otherwise is
// many times slower, because the race detector is in it.
func buildProgram(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	slow, err := exec.LookPath("batchinvite")
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(slow), "plain") // testscript.Main removes that folder
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// command is the program in this world, at full speed unless args say otherwise.
func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(cmp.Or(w.program, "batchinvite"), args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+w.dir+"/state", "XDG_CONFIG_HOME="+w.dir+"/config", "TMPDIR="+w.dir,
		"BATCHINVITE_API_KEY=k-1", "BATCHINVITE_BASE_URL="+w.url, "BATCHINVITE_RATE=1000000/s", "BATCHINVITE_PROGRESS=none")
	return cmd
}

// run runs the program to its end, and gives its exit code and what it said.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	cmd := w.command(args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	timer := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}

// mustRun wants a certain exit code.
func (w *world) mustRun(want int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	code, stdout, stderr := w.run(args...)
	if code != want {
		w.t.Fatalf("batchinvite %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, stderr)
	}
	return stdout, stderr
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) [][]string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return parse(string(text))
}

// people is a file of n candidates.
func people(n int, format string) string {
	var b strings.Builder
	b.WriteString("name,email,assessment_id,format\n")
	for i := range n {
		fmt.Fprintf(&b, "Person %d,p%d@example.org,4711,%s\n", i, i, format)
	}
	return b.String()
}
