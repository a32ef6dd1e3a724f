package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// traced are the system calls that change files, make them durable, or send. Calls that a test can't follow are among
// them so that it sees them.
const traced = "open,openat,creat,close,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range," +
	"sendfile,splice,mmap,fsync,fdatasync,msync,sync_file_range,unlink,unlinkat,rename,renameat,renameat2,link,linkat," +
	"sendto,sendmsg,sendmmsg"

// needStrace skips a test where no process may be traced.
func needStrace(t *testing.T) {
	t.Helper()
	if err := canTrace(); err != nil {
		t.Skip(err)
	}
}

func canTrace() error {
	out, err := exec.Command("strace", "-f", "-o", os.DevNull, "true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("strace can't run here: %w %s", err, out)
	}
	return nil
}

// trace runs the program to its end and gives what it did, which stays in the file name of this world too. A program
// that was killed has the code -1.
func (w *world) trace(name string, args ...string) (code int, trace []moment) {
	w.t.Helper()
	cmd := w.command(args...)
	file := filepath.Join(w.dir, name)
	tracer := []string{"strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-e", "trace=" + traced, "-o", file, "--", cmd.Path}
	var talk bytes.Buffer
	cmd.Args, cmd.Stderr = slices.Concat(tracer, args), &talk
	var err error
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.tracer.Store(cmd.Process)
	timer := time.AfterFunc(5*time.Minute, w.killTraced)
	defer timer.Stop()
	cmd.Wait() // strace ends as the program does
	if trace, err = readTrace(file); err != nil {
		w.t.Fatalf("%v\n%s", err, talk.Bytes())
	}
	return cmd.ProcessState.ExitCode(), trace
}

// killTraced kills the program that trace runs, without a warning.
func (w *world) killTraced() {
	tracer := w.tracer.Load().Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", tracer, tracer))
	if err != nil {
		w.t.Error(err)
	}
	for _, child := range strings.Fields(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			if p, err := os.FindProcess(pid); err == nil {
				p.Kill()
			}
		}
	}
}

// call is one system call of a trace.
type call struct {
	name    string
	on      string   // what the first descriptor among its arguments leads to: a path, or socket:[4711]
	strings []string // its texts: data, paths
	args    string   // as strace shows them, from the last text on
	result  string   // as strace shows it, "" or "?" if the call never returned
	// The places in the trace where it began and ended. strace lets a thread go into a call only after it has noted the
	// call's begin, and out of it only after it has noted the end; so what stands earlier in the trace was earlier.
	// ended is 0 if the call never returned.
	begun, ended int
}

// moment is the begin or the end of a call.
type moment struct {
	*call
	end bool
}

// ok tells whether a call returned, and not with an error.
func (c *call) ok() bool { return c.ended > 0 && !strings.HasPrefix(c.result, "-") }

func (c *call) data() []byte { return []byte(strings.Join(c.strings, "")) }

// last is the last argument, a number such as the offset of pwrite64.
func (c *call) last() (int64, error) {
	return strconv.ParseInt(c.args[strings.LastIndexByte(c.args, ' ')+1:], 10, 64)
}

func readTrace(path string) ([]moment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTrace(f)
}

// parseTrace reads what strace -f -y -xx wrote. Places are counted from 1.
func parseTrace(r io.Reader) (trace []moment, err error) {
	inside := map[string]*call{} // by thread
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		thread, text, _ := strings.Cut(lines.Text(), " ")
		text = strings.TrimLeft(text, " ")
		switch {
		case strings.HasPrefix(text, "---"), strings.HasPrefix(text, "+++"):
			continue
		case strings.HasPrefix(text, "<... "):
			c := inside[thread]
			if c == nil {
				return nil, fmt.Errorf("a call is resumed that was not begun: %.200s", lines.Text())
			}
			delete(inside, thread)
			trace = finish(trace, c, text)
			continue
		}
		c, err := parseCall(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %.200s", err, lines.Text())
		}
		trace = append(trace, moment{call: c})
		c.begun = len(trace)
		if strings.HasSuffix(text, "<unfinished ...>") {
			inside[thread] = c
			continue
		}
		trace = finish(trace, c, text)
	}
	return trace, lines.Err()
}

func finish(trace []moment, c *call, text string) []moment {
	if _, c.result = cutResult(text); c.result == "?" { // killed in it
		return trace
	}
	trace = append(trace, moment{call: c, end: true})
	c.ended = len(trace)
	return trace
}

// cutResult takes a line apart at "= 0": it stands behind spaces if the line is a short one.
func cutResult(text string) (call, result string) {
	i := strings.LastIndex(text, " = ")
	if i < 0 {
		return text, ""
	}
	return strings.TrimSuffix(strings.TrimRight(text[:i], " "), ")"), text[i+len(" = "):]
}

func parseCall(text string) (*call, error) {
	text, _ = cutResult(strings.TrimSuffix(text, " <unfinished ...>"))
	name, args, ok := strings.Cut(text, "(")
	if !ok {
		return nil, fmt.Errorf("no system call")
	}
	c := &call{name: name}
	head, _, _ := strings.Cut(args, `"`)
	_, head, _ = strings.Cut(head, "<")
	head, _, _ = strings.Cut(head, ">")
	c.on = unhex(head)
	for rest := args; ; {
		_, after, ok := strings.Cut(rest, `"`)
		if !ok {
			c.args = strings.Clone(rest) // what stands before is long
			return c, nil
		}
		quoted, after, _ := strings.Cut(after, `"`)
		if strings.HasPrefix(after, "...") {
			return nil, fmt.Errorf("strace has cut the data of a call")
		}
		c.strings = append(c.strings, unhex(quoted))
		rest = after
	}
}

// unhex decodes what strace -xx made of a text: \x2f\x74…, or for a descriptor, depending on its version, the text itself.
func unhex(s string) string {
	if !strings.HasPrefix(s, `\x`) {
		return s
	}
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		return s
	}
	return string(b)
}

func TestTrace_unfinishedCallsAreFoundAgain(t *testing.T) {
	trace, err := parseTrace(strings.NewReader(`7  openat(AT_FDCWD</tmp>, "\x61", O_RDWR|O_CREAT, 0600) = 3<\x2f\x61>
7  pwrite64(3<\x2f\x61>, "\x00\x41", 2, 4096 <unfinished ...>
8  write(4<\x73>, "\x42", 1) = -1 EAGAIN (Resource temporarily unavailable)
7  <... pwrite64 resumed>)        = 2
8  --- SIGURG {si_signo=SIGURG} ---
8  fsync(3<\x2f\x61> <unfinished ...>
8  +++ killed by SIGKILL +++
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range trace {
		got = append(got, fmt.Sprintf("%s on %s %q %d-%d end=%v ok=%v", m.name, m.on, m.strings, m.begun, m.ended, m.end, m.ok()))
	}
	want := []string{
		`openat on /tmp ["a"] 1-2 end=false ok=true`,
		`openat on /tmp ["a"] 1-2 end=true ok=true`,
		`pwrite64 on /a ["\x00A"] 3-6 end=false ok=true`,
		`write on s ["B"] 4-5 end=false ok=false`,
		`write on s ["B"] 4-5 end=true ok=false`,
		`pwrite64 on /a ["\x00A"] 3-6 end=true ok=true`,
		`fsync on /a [] 7-0 end=false ok=false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if offset, err := trace[2].last(); err != nil || offset != 4096 {
		t.Errorf("offset %d, %v, want 4096", offset, err)
	}
}
