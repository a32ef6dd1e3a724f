package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/sheet"
)

// The rules of what is said:
//
//   - stdout is data, stderr is talk.
//   - An error is one line: "batchinvite: " first, then lower case, no full stop. It names what was being done to what,
//     and for a file its line and column.
//   - Then come "hint: " lines, each a command to type or a flag to give.
//   - At a terminal the last line may be a status line, which every other output erases first.

// ui is the person or the log at the other end. Its writers may be used from many goroutines.
type ui struct {
	in       *os.File
	out      io.Writer
	terminal bool // stderr is one
	width    func() int

	mu     sync.Mutex
	err    io.Writer
	status string
}

func newUI(in *os.File, out, err *os.File) *ui {
	return &ui{
		in:       in,
		out:      out,
		err:      err,
		terminal: term.IsTerminal(int(err.Fd())),
		width: func() int {
			w, _, sizeErr := term.GetSize(int(err.Fd()))
			if sizeErr != nil || w < 20 {
				return 80
			}
			return w
		},
	}
}

// Write is for talk: the plan, the log and the summary share stderr and the status line with each other.
func (u *ui) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.erase()
	n, err := u.err.Write(p)
	u.draw()
	return n, err
}

// sayf says lines. Names of files and words of a vendor's may be in it: none of them moves the cursor.
func (u *ui) sayf(format string, args ...any) {
	io.WriteString(u, inert.ReplaceAllStringFunc(fmt.Sprintf(format, args...), func(control string) string {
		return strings.Trim(strconv.QuoteToASCII(control), `"`)
	}))
}

var inert = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}]`)

// setStatus replaces the status line, "" removes it. Off a terminal it does nothing.
func (u *ui) setStatus(line string) {
	if !u.terminal {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.erase()
	if room := u.width() - 1; len([]rune(line)) > room {
		line = string([]rune(line)[:room])
	}
	u.status = line
	u.draw()
}

func (u *ui) erase() {
	if u.status != "" {
		io.WriteString(u.err, "\r\x1b[K")
	}
}

func (u *ui) draw() {
	if u.status != "" {
		io.WriteString(u.err, u.status)
	}
}

// fail reports an error that ends the program, and gives its exit code. help is the page to read where nothing better can
// be advised.
func (u *ui) fail(err error, help string) int {
	code, hints := codeOf(err)
	if err == nil || errors.As(err, &finished{}) {
		return code
	}
	u.sayf("batchinvite: %s\n", oneLine(err))
	if code == exitUsage && len(hints) == 0 && !errors.As(err, new(*sheet.Error)) { // which no flag helps against
		hints = []string{"batchinvite " + help}
	}
	for _, h := range hints {
		u.sayf("hint: %s\n", h)
	}
	return code
}

// oneLine spells joined errors in one line, and what several of them say once: the first failure of a disk is the answer
// to everything that is asked of it later.
func oneLine(err error) string {
	var parts []string
	all := strings.Split(err.Error(), "\n")
	for _, part := range all {
		within := func(other string) bool { return other != part && strings.HasSuffix(other, part) }
		if !slices.Contains(parts, part) && !slices.ContainsFunc(all, within) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// errNoTerminal: there is nobody to ask.
var errNoTerminal = errors.New("no terminal to ask at")

// tty opens the terminal itself, since stdin may be data. A terminal that merely exists is not enough: somebody must be
// looking at one of our streams.
func (u *ui) tty() (*os.File, error) {
	if !u.terminal && !term.IsTerminal(int(u.in.Fd())) {
		return nil, errNoTerminal
	}
	t, err := os.OpenFile(ttyPath, os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	return t, nil
}

// canAsk tells whether somebody is there.
func (u *ui) canAsk() bool {
	t, err := u.tty()
	if err != nil {
		return false
	}
	return t.Close() == nil
}

// ask puts a question and gives the line that is typed, trimmed. It returns early with the cause of ctx.
func (u *ui) ask(ctx context.Context, question string) (string, error) {
	t, err := u.tty()
	if err != nil {
		return "", err
	}
	defer t.Close()
	fmt.Fprint(u.screen(t), question)
	return await(ctx, func() (string, error) {
		line, err := bufio.NewReader(t).ReadString('\n')
		if err != nil && line == "" {
			return "", fmt.Errorf("read the answer: %w", err)
		}
		return line, nil
	})
}

// askSecret asks without an echo. The terminal is raw meanwhile, so that Ctrl-C comes as a character.
func (u *ui) askSecret(ctx context.Context, question string) (string, error) {
	t, err := u.tty()
	if err != nil {
		return "", err
	}
	defer t.Close()
	// Not term.ReadPassword, which changes the terminal whenever its goroutine comes to it, perhaps after a signal has
	// restored it.
	before, err := term.MakeRaw(int(t.Fd()))
	if err != nil {
		return "", errNoTerminal
	}
	screen := u.screen(t)
	secret, err := await(ctx, func() (string, error) {
		return term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{t, screen}, "").ReadPassword(question)
	})
	if errors.Is(err, io.EOF) {
		err = &invite.Stop{Kind: invite.StopInterrupted, Reason: "interrupted"}
	}
	if err != nil {
		fmt.Fprint(screen, "\r\n")
	}
	return secret, errors.Join(err, term.Restore(int(t.Fd()), before))
}

// await gives what read gives, trimmed. A terminal that is being read can't be asked to stop: when ctx is done the reading
// is left behind.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{strings.TrimSpace(text), err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// screen is where a question is seen: on stderr, or on the terminal itself where stderr goes elsewhere.
func (u *ui) screen(tty io.Writer) io.Writer {
	if u.terminal {
		return u
	}
	return tty
}
