// Package sandbox is the vendor's stand-in: the one fake of the vendor, for tests, rehearsals and benchmarks. It is an
// http.Handler that answers POST …/assessments/invite and …/assessments/invite/revoke as the vendor documents them,
// refuses strictly what is not documented, fails on demand, and counts what it did.
//
// It is the independent check of everything else, so it imports nothing of ours. What it promises:
//
//   - An invitation that the counts hold was made, whatever the client saw of it; one that they do not hold was not.
//     The same goes for one that was taken back. It is counted before the first byte of the answer leaves.
//   - Which fault a call gets is a function of the seed, the key (assessment and e-mail, with the report of a
//     revocation) and the number of the key's attempt: the same seed gives the same faults in whatever order calls arrive.
//   - Every invitation has a link of its own, which ends in .invalid, so that nothing real is ever linked (RFC 2606).
//   - A client that goes away does not stop the work on its call: the vendor's servers would not notice either.
package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says how the stand-in behaves. The zero value accepts any key, and never fails.
type Config struct {
	Seed      uint64
	APIKey    string // "" accepts any key, but there must be one
	KeyHeader string // "" is apiKey
	Plan      Plan
	// Script, if set, takes the place of Plan: it fixes the fault of every attempt (counted from 1) of a key, or to
	// revoke a report of it, which is a key of its own. It is called from many goroutines.
	Script func(k Key, attempt int) Fault
	Quota  int // invitations until the vendor says that they are used up; 0 is no quota
	Rate   Rate
	// CountsOnly keeps what is counted per key and forgets the calls, for runs of a million rows.
	CountsOnly bool
}

// Rate is a limit of so many calls in a fixed window, which begins with the first call after the last window's end (the
// usual counter with a time to live). The zero value is no limit.
type Rate struct {
	Calls int
	Per   time.Duration
}

// Server is the stand-in. All methods may be called from many goroutines.
type Server struct {
	cfg     Config
	closing chan struct{} // closed by Close, ends delays and hangs
	close   func() error

	// What Start began and Close ends.
	server *http.Server
	served chan error // what Serve returned; sent once, by the goroutine of Start

	mu          sync.Mutex // guards all below
	calls       int
	invitations int
	revoked     int
	reports     map[int64]*report // nil until the first revocation
	tallies     map[Key]Tally
	log         []Call // only appended to, and what is in it never changes
	windowStart time.Time
	windowCalls int
}

// New makes a stand-in. It starts nothing: use it as a handler, or call Start.
func New(cfg Config) *Server {
	if cfg.KeyHeader == "" {
		cfg.KeyHeader = "apiKey"
	}
	s := &Server{cfg: cfg, closing: make(chan struct{}), tallies: make(map[Key]Tally)}
	s.close = sync.OnceValue(func() error {
		close(s.closing)
		return s.stop()
	})
	return s
}

// Close ends every delay and hang, which drops their connections, and stops what Start began. The counts stay readable.
// Where a test's own server uses the handler, call it before that server is closed. It may be called more than once.
func (s *Server) Close() error { return s.close() }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, no := s.receive(w, r)
	if no != nil {
		s.settle(&call, no)
		no.write(w)
		return
	}
	chance := chanceOf(s.cfg.Seed, call.Key(), call.Attempt)
	fault := s.fault(call, chance)
	if !s.delay(fault.Latency) {
		s.settle(&call, &refusal{Reason: "sandbox closed"})
		panic(http.ErrAbortHandler) // net/http drops the connection without a word
	}
	call.Fault = fault.Kind
	no = fault.refusal()
	kind, _ := fault.Kind.behaviour()
	switch {
	case !kind.acts:
		call.Word = kind.word
		s.settle(&call, no)
	case call.revokes:
		s.revoke(&call)
	case !s.act(&call, chance.link()):
		no = usedUp
	}
	s.answer(w, r, call, no)
}

// receive reads a call and counts the attempt, or says why it is refused. The rate limit comes before what is wrong with
// the body, as it does with a gateway.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (Call, *refusal) {
	call := Call{At: time.Now().UTC(), revokes: strings.HasSuffix(r.URL.Path, revokePath)}
	if no := s.admit(r); no != nil {
		return call, no
	}
	bad := call.read(http.MaxBytesReader(w, r.Body, maxBody))

	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.throttle(call.At); no != nil {
		return call, no
	}
	if bad != nil {
		return call, bad
	}
	if call.revokes {
		no := s.find(&call)
		return call, no
	}
	t := s.tallies[call.Key()]
	t.Attempts++
	s.tallies[call.Key()] = t
	call.Attempt = int(t.Attempts)
	if s.reports != nil {
		s.reports[s.reportID(call.Key(), call.Attempt)] = &report{key: call.Key()}
	}
	return call, nil
}

// throttle holds s.mu.
func (s *Server) throttle(now time.Time) *refusal {
	limit := s.cfg.Rate
	if limit.Calls == 0 {
		return nil
	}
	if now.Sub(s.windowStart) >= limit.Per {
		s.windowStart, s.windowCalls = now, 0
	}
	s.windowCalls++
	if s.windowCalls <= limit.Calls {
		return nil
	}
	// Whole seconds, rounded up: most servers give no finer ones, and less would be too early.
	left := s.windowStart.Add(limit.Per).Sub(now)
	seconds := (left + time.Second - 1) / time.Second
	return &refusal{status: http.StatusTooManyRequests, retryAfter: fmt.Sprint(int(seconds)), Reason: "rate limit exceeded"}
}

func (s *Server) fault(c Call, chance chance) Fault {
	f := s.cfg.Plan.draw(chance)
	if s.cfg.Script != nil {
		f = s.cfg.Script(c.Key(), c.Attempt)
	}
	kind, known := f.Kind.behaviour()
	if !known {
		panic(fmt.Sprintf("sandbox: unknown fault %q", f.Kind)) // a test that misspells a kind would prove nothing
	}
	if kind.word != "" && !c.revokes {
		f.Kind = ""
	}
	return f
}

// act records the call and makes the invitation, unless the quota is used up, which takes the place of the fault.
func (s *Server) act(c *Call, link string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Quota > 0 && s.invitations >= s.cfg.Quota {
		c.Fault = ""
		s.record(c, usedUp)
		return false
	}
	t := s.tallies[c.Key()]
	if c.Format == sendLink {
		t.Mails++
	} else {
		t.Links++
	}
	s.tallies[c.Key()] = t
	s.invitations++
	c.Acted, c.Link = true, link
	s.record(c, nil)
	return true
}

// settle records a call that was not acted on.
func (s *Server) settle(c *Call, no *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(c, no)
}

// delay waits before a call is worked on, and says whether that may still be done.
func (s *Server) delay(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}

// hang never answers: it ends with the client's connection or with Close.
func (s *Server) hang(client context.Context) {
	select {
	case <-client.Done():
	case <-s.closing:
	}
	panic(http.ErrAbortHandler)
}
