package api

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// asking is one of the things that a client asks for.
type asking struct {
	name string
	job  func(*Client) job
	ask  func(context.Context, *Client) invite.Answer
	done verdict
}

var askings = []asking{
	{"getlink", inviting(invite.GetLink), invites(invite.GetLink), isInvited},
	{"sendlink", inviting(invite.SendLink), invites(invite.SendLink), isInvited},
	{
		"revoke",
		func(*Client) job { return revocation(Revocation{ReportID: "7"}) },
		func(ctx context.Context, c *Client) invite.Answer { return c.Revoke(ctx, Revocation{ReportID: "7"}) },
		isRevoked,
	},
}

func inviting(f invite.Format) func(*Client) job {
	return func(c *Client) job { return c.invitation(candidate(f), "") }
}

func invites(f invite.Format) func(context.Context, *Client) invite.Answer {
	return func(ctx context.Context, c *Client) invite.Answer { return c.Invite(ctx, candidate(f), "") }
}

// ending is what the table says of a kind: of requests that may be repeated, and of those that may not.
type ending struct {
	often, once verdict
	run         string
}

var (
	unsentFails = ending{isUnsent, isUnsent, "fails"}
	unsentOnly  = ending{isUnsent, isUnsent, "goes on"}
	heldStops   = ending{isHeld, isHeld, "stops"}
	lost        = ending{isAgain, isUnknown, "fails"}
	odd         = ending{isAgain, isUnknown, "fails, stops if first"}
	fine        = ending{isInvited, isInvited, "goes on"}
	elsewhereTo = ending{isRefused, isRefused, "stops"}
)

func (e ending) of(a asking, once bool) verdict {
	v := e.often
	if once {
		v = e.once
	}
	if v == isInvited {
		v = a.done
	}
	v.Run = e.run
	return v
}

// kind is one way in which a call can go wrong.
type kind struct {
	name   string
	script func(*peer) // what the server does with a connection
	// setup prepares the client, or does something to the server.
	setup func(*testing.T, *rawServer, *Client)
	// ends has more than one where the order of events is the system's to choose.
	ends []ending
	// cause is the text of the first of ends, save its beginning; "" is not looked at.
	cause string
	posts int64 // requests that arrive whole for each call, or perhaps, or unheeded
	// calls is how many are made, 0 is one, more if the system decides what becomes of them. warm makes a good one before them.
	calls int
	warm  bool
}

const (
	perhaps  = -1 // the system decides whether a request arrives, but an answer waits for one
	unheeded = -2 // the same, and nothing waits
)

// Every kind, with a real socket, for everything that a client asks for: the verdict is the table's, and what the server
// has seen bears it out.
func TestFaults_everyKind(t *testing.T) {
	all := kinds(t)
	seen := map[string]bool{}
	for _, k := range all {
		if seen[k.name] {
			t.Errorf("there are two kinds %q", k.name)
		}
		seen[k.name] = true
	}
	const least = 60
	if len(seen) < least {
		t.Errorf("%d kinds of faults, want %d or more", len(seen), least)
	}
	t.Logf("%d kinds of faults, each with %d kinds of requests", len(seen), len(askings))
	for _, k := range all {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			var calls sync.WaitGroup
			for _, a := range askings {
				s := serve(t, k.script)
				c := newClient(t, s.url)
				if k.setup != nil {
					k.setup(t, s, c)
				}
				calls.Go(func() { k.run(t, a, s, c) })
			}
			calls.Wait()
		})
	}
}

func (k kind) run(t *testing.T, a asking, s *rawServer, c *Client) {
	if k.warm {
		if got := a.ask(t.Context(), c); got.Class != invite.ClassAnswered {
			t.Errorf("%s: the call before: %q", a.name, got.Outcome.Error)
		}
	}
	got := map[invite.Class]int64{}
	calls := max(1, k.calls)
	if calls > 1 && os.Getenv("BATCHINVITE_SOAK") == "1" {
		calls *= 50
	}
	for range calls {
		answer := a.ask(t.Context(), c)
		got[answer.Class]++
		k.check(t, a, c, answer)
	}
	c.Close()
	s.stop()
	k.count(t, a, s, got)
}

func (k kind) check(t *testing.T, a asking, c *Client, got invite.Answer) {
	checkSound(t, got)
	if shown := everything(got); c.secret.MatchString(shown) || strings.Contains(shown, "hunter2") {
		t.Errorf("%s: a secret is in %q", a.name, shown)
	}
	j, v := a.job(c), verdictOf(got)
	for i, e := range k.ends {
		if v == e.of(a, j.once) {
			if i == 0 && k.cause != "" {
				k.checkText(t, a, c, got)
			}
			return
		}
	}
	t.Errorf("%s (-want +got): %s\n%s", a.name, got.Outcome.Error, cmp.Diff(k.ends[0].of(a, j.once), v))
}

func (k kind) checkText(t *testing.T, a asking, c *Client, got invite.Answer) {
	cause := strings.ReplaceAll(k.cause, "HOST", c.base.Host)
	want := a.job(c).doubt + ": " + cause
	if got.Class == invite.ClassNotSent {
		want = "not sent: " + cause
	}
	if got.Outcome.Error != want {
		t.Errorf("%s:\n got %q\nwant %q", a.name, got.Outcome.Error, want)
	}
	if got.Stop != nil && got.Stop.Reason != cause {
		t.Errorf("%s: stops for %q, want %q", a.name, got.Stop.Reason, cause)
	}
}

// count compares the verdicts with what the server saw.
func (k kind) count(t *testing.T, a asking, s *rawServer, got map[invite.Class]int64) {
	var calls, before int64
	for _, n := range got {
		calls += n
	}
	if k.warm {
		before = 1
	}
	posts, unsent, unclear := s.posts.Load()-before, got[invite.ClassNotSent], got[invite.ClassAmbiguous]
	switch {
	case posts > calls-unsent:
		t.Errorf("%s: server got %d requests, but %d of %d calls say that nothing left", a.name, posts, unsent, calls)
	case posts < calls-unsent-unclear && k.posts != unheeded:
		t.Errorf("%s: server got %d requests, but %d calls say that they were answered", a.name, posts, calls-unsent-unclear)
	case k.posts >= 0 && posts != k.posts*calls:
		t.Errorf("%s: server got %d requests for %d calls, want %d for each", a.name, posts, calls, k.posts)
	case unsent == calls && !k.warm && s.bytes.Load() > 0:
		t.Errorf("%s: server got %d bytes of what is said not to have left", a.name, s.bytes.Load())
	case s.conns.Load() > calls+before:
		t.Errorf("%s: %d connections for %d calls", a.name, s.conns.Load(), calls+before)
	}
	if len(k.ends) > 1 {
		t.Logf("%s: verdicts %v, requests %d", a.name, got, posts)
	}
}

// Every answer of the table once more, over the wire.
func TestFaults_everyStatus(t *testing.T) {
	wires := 0
	for _, tc := range answers {
		for _, status := range tc.statuses {
			if status < 200 {
				continue // no last answer on the wire; 101 is among the kinds
			}
			header := tc.header
			if header != "" {
				header += "\r\n"
			}
			k := kind{posts: 1, script: says(fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(tc.body), tc.body))}
			for _, a := range askings {
				k.name, k.ends = fmt.Sprintf("%s, %d", tc.name, status), []ending{{tc.getlink, tc.sendlink, tc.run}}
				if a.name == "revoke" {
					v := tc.revoking(status)
					k.ends = []ending{{v, v, v.Run}}
				}
				t.Run(k.name+", "+a.name, func(t *testing.T) {
					s := serve(t, k.script)
					k.run(t, a, s, newClient(t, s.url))
				})
				wires++
			}
		}
	}
	t.Logf("%d answers", wires)
}
