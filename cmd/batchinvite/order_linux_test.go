package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// TestOrder proves invariant 2 of the ledger with the system calls of the real program: for every request, an fsync that
// carries its claim has returned before the first byte of the request is given to the socket.
func TestOrder(t *testing.T) {
	needStrace(t)
	t.Parallel()
	requests := 1000
	if os.Getenv("BATCHINVITE_SOAK") != "" {
		requests = 10_000
	}
	for _, v := range orderViolations(t, buildProgram(t), requests) {
		t.Error(v)
	}
}

// The folders of a new ledger are on the disk too when it is begun: without them it would be an empty one after a power
// cut.
func TestOrder_foldersOfALedgerAreDurable(t *testing.T) {
	t.Parallel()
	needStrace(t)
	w := newWorld(t, sandbox.Config{})
	w.program = buildProgram(t)
	if code, trace := w.trace("trace", "init", "--ledger", "new/deep/l.db"); code != 0 {
		t.Errorf("exit code %d", code)
	} else {
		for _, folder := range []string{w.dir, w.dir + "/new"} {
			if !slices.ContainsFunc(trace, func(m moment) bool { return m.end && m.ok() && m.name == "fsync" && m.on == folder }) {
				t.Errorf("%s was not synced after a folder was made in it", folder)
			}
		}
	}
}

// orderViolations lets a program make so many requests and says what was wrong with their order.
func orderViolations(t *testing.T, program string, requests int) []string {
	w := newWorld(t, sandbox.Config{APIKey: "k-1", CountsOnly: true})
	w.program = program
	w.write("c.csv", people(requests, "sendlink"))
	w.mustRun(0, "init")
	code, trace := w.trace("trace", "run", "c.csv", "--yes", "--workers", "16")
	seen, violations := checkOrder(trace)
	t.Logf("%d requests, %d proven, in a trace of %d system calls", seen, seen-len(violations), len(trace)/2)
	if code != 0 {
		violations = append(violations, fmt.Sprintf("exit code %d, want 0", code))
	}
	if got := w.vendor.Calls(); got != requests || seen != requests {
		violations = append(violations, fmt.Sprintf("the vendor got %d requests and the trace has %d, want %d", got, seen, requests))
	}
	return violations
}

var (
	// address finds the people of a test: in a page of the ledger, where other values may stand right before and behind,
	// and in a request.
	address = regexp.MustCompile(`p\d+@example\.org`)
	posted  = []byte("POST ")
)

// sends tells whether a call gives bytes to a socket.
func (c *call) sends() bool { return strings.HasPrefix(c.on, "socket:") && len(c.strings) > 0 }

// order follows one program, of which every person is the subject of one request at most.
type order struct {
	header  []byte // of the frame that is being written to the write-ahead log
	claimed map[string]bool
	open    []string         // the claims of the transaction that is being written
	whole   []claimed        // those of transactions that are whole and not yet known to be on the disk
	durable map[string]int   // by address: where in the trace an fsync that carries it had returned
	posts   map[string]*call // by socket: the call that sent the beginning of its present request
	asked   map[string]bool
	wrong   []string
}

type claimed struct {
	who string
	by  *call // the write that ended its transaction
}

// checkOrder counts the requests in a trace, and says which of them are not proven to come after their claims.
func checkOrder(trace []moment) (requests int, violations []string) {
	o := order{claimed: map[string]bool{}, durable: map[string]int{}, posts: map[string]*call{}, asked: map[string]bool{}}
	for _, m := range trace {
		switch {
		case !m.end || !m.ok():
		case strings.HasSuffix(m.on, "-wal") && m.name == "pwrite64":
			o.wrote(m.call)
		case strings.HasSuffix(m.on, "-wal") && (m.name == "fsync" || m.name == "fdatasync"):
			o.synced(m.call)
		case m.sends():
			o.sent(m.call)
		}
	}
	return len(o.asked), o.wrong
}

const (
	frameHeader = 24 // of a page in the write-ahead log; bytes 4 to 7 are not zero if the page ends a transaction
	ledgerPage  = 4096
)

// wrote takes up a piece of the write-ahead log. A claim counts once its transaction is whole.
func (o *order) wrote(c *call) {
	data := c.data()
	if len(data) == frameHeader {
		o.header = data
		return
	}
	if len(data) != ledgerPage {
		return // the log's own header
	}
	for _, found := range address.FindAll(data, -1) {
		if who := string(found); !o.claimed[who] {
			o.claimed[who] = true
			o.open = append(o.open, who)
		}
	}
	if len(o.header) != frameHeader || binary.BigEndian.Uint32(o.header[4:]) == 0 {
		return
	}
	for _, who := range o.open {
		o.whole = append(o.whole, claimed{who, c})
	}
	o.open = nil
}

// synced: what was written before the fsync began is on the disk now.
func (o *order) synced(c *call) {
	o.whole = slices.DeleteFunc(o.whole, func(w claimed) bool {
		if w.by.ended > c.begun {
			return false
		}
		o.durable[w.who] = c.ended
		return true
	})
}

// sent judges a request when the bytes with its address are under way. What counts is where its first byte left.
func (o *order) sent(c *call) {
	data := c.data()
	if bytes.HasPrefix(data, posted) {
		o.posts[c.on] = c
	}
	first := o.posts[c.on]
	for _, found := range address.FindAll(data, -1) {
		who := string(found)
		switch at, durable := o.durable[who]; {
		case o.asked[who]:
			o.wrong = append(o.wrong, fmt.Sprintf("%s: a second request", who))
		case first == nil:
			o.wrong = append(o.wrong, fmt.Sprintf("%s: sent outside of a request", who))
		case !durable:
			o.wrong = append(o.wrong, fmt.Sprintf("%s: sent at %d of the trace, and no claim was durable before", who, first.begun))
		case at > first.begun:
			o.wrong = append(o.wrong, fmt.Sprintf("%s: sent at %d of the trace, and the claim was durable at %d", who, first.begun, at))
		}
		o.asked[who] = true
	}
}

// hexed is a text as strace -xx shows it.
func hexed(s string) string {
	return `"` + regexp.MustCompile(`..`).ReplaceAllString(hex.EncodeToString([]byte(s)), `\x$0`) + `"`
}

// frameStart is a trace of the header of a frame; a commit of 0 says that the transaction goes on after it.
func frameStart(commit byte) string {
	return "1  pwrite64(4</l.db-wal>, " + hexed("\x00\x00\x00\x08\x00\x00\x00"+string(rune(commit))+strings.Repeat("s", 16)) + ", 24, 32) = 24\n"
}

// The pieces of a little trace, by two threads: one writes the ledger and one sends.
var (
	pageBegins  = "1  pwrite64(4</l.db-wal>, " + hexed("claimed p7@example.org"+strings.Repeat("\x00", ledgerPage-22)) + ", 4096, 56 <unfinished ...>\n"
	pageEnds    = "1  <... pwrite64 resumed>) = 4096\n"
	claimWhole  = frameStart(9) + pageBegins + pageEnds
	syncBegins  = "3  fsync(4</l.db-wal> <unfinished ...>\n"
	syncEnds    = "3  <... fsync resumed>) = 0\n"
	synced      = syncBegins + syncEnds
	wholePost   = hexed("POST / HTTP/1.1\r\n\r\n{\"email\":\"p7@example.org\"}")
	requestSent = "2  write(5<socket:[77]>, " + wholePost + ", 45) = 45\n"
)

// A checker that can't find fault proves nothing: the same little trace in the right order and in wrong ones.
func TestCheckOrder_seesWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		trace           string
		requests, wrong int
	}{
		"in order":                           {claimWhole + synced + requestSent, 1, 0},
		"fdatasync does as well":             {claimWhole + strings.ReplaceAll(synced, "fsync", "fdatasync") + requestSent, 1, 0},
		"no fsync":                           {claimWhole + requestSent, 1, 1},
		"fsync afterwards":                   {claimWhole + requestSent + synced, 1, 1},
		"fsync begins before the write":      {frameStart(9) + syncBegins + pageBegins + pageEnds + syncEnds + requestSent, 1, 1},
		"fsync begins in the write":          {frameStart(9) + pageBegins + syncBegins + pageEnds + syncEnds + requestSent, 1, 1},
		"fsync returns after the first byte": {claimWhole + syncBegins + requestSent + syncEnds, 1, 1},
		"fsync never returns":                {claimWhole + syncBegins + requestSent, 1, 1},
		"fsync fails":                        {claimWhole + strings.Replace(synced, "= 0", "= -1 EIO (Input/output error)", 1) + requestSent, 1, 1},
		"fsync of another file":              {claimWhole + strings.ReplaceAll(synced, "-wal", "") + requestSent, 1, 1},
		"the transaction is not whole":       {frameStart(0) + pageBegins + pageEnds + synced + requestSent, 1, 1},
		"another person's claim":             {strings.Replace(claimWhole, `\x70\x37\x40`, `\x70\x38\x40`, 1) + synced + requestSent, 1, 1},
		"claim after the request":            {requestSent + claimWhole + synced, 1, 1},
		"two requests for a claim":           {claimWhole + synced + requestSent + requestSent, 1, 1},
		"a write that sent nothing":          {claimWhole + synced + strings.Replace(requestSent, "= 45", "= -1 EAGAIN (again)", 1), 0, 0},
		"the head leaves too early": {claimWhole + syncBegins + "2  write(5<socket:[77]>, " + hexed("POST / HTTP/1.1\r\n\r\n") + ", 19) = 19\n" + syncEnds +
			"2  write(5<socket:[77]>, " + hexed("p7@example.org") + ", 14) = 14\n", 1, 1},
	} {
		trace, err := parseTrace(strings.NewReader(tt.trace))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if requests, wrong := checkOrder(trace); requests != tt.requests || len(wrong) != tt.wrong {
			t.Errorf("%s: %d requests, %q wrong, want %d requests and %d wrong", name, requests, wrong, tt.requests, tt.wrong)
		}
	}
}
