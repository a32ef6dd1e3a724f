package api

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"batchinvite/pkg/invite"
)

// twice holds the servers that tempt net/http into sending a POST again. posts is how many POSTs two calls are with a
// client that withstands, tempted how many they are with one that does not.
var twice = map[string]struct {
	script         func(*peer)
	posts, tempted int64
}{
	"kept connection closed before the answer": {func(p *peer) {
		if p.receive() && p.nth == 1 {
			p.say(answerOf(goodBody))
			p.receive()
			return
		}
		p.say(answerOf(goodBody))
	}, 2, 3},
	"kept connection reset before the answer": {func(p *peer) {
		if p.receive() && p.nth == 1 {
			p.say(answerOf(goodBody))
			p.receive()
			_ = p.reset()
			return
		}
		p.say(answerOf(goodBody))
	}, 2, 3},
	"307": {redirectOnce("307 Temporary Redirect"), 2, 4},
	"308": {redirectOnce("308 Permanent Redirect"), 2, 4},
}

func redirectOnce(status string) func(*peer) {
	return func(p *peer) {
		for p.receive() {
			if strings.HasSuffix(p.last.URL.Path, "/again") {
				p.say(answerOf(goodBody))
			} else {
				p.say("HTTP/1.1 " + status + "\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
			}
		}
	}
}

func TestInvite_isAtMostOneRequestOnTheWire(t *testing.T) {
	for name, tc := range twice {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tc.script)
			c := newClient(t, s.url)
			for range 2 {
				c.Invite(t.Context(), candidate(invite.SendLink), "")
			}
			c.Close()
			s.stop()
			if got := s.posts.Load(); got != tc.posts {
				t.Errorf("server got %d POSTs for 2 calls, want %d", got, tc.posts)
			}
		})
	}
}

// The control: what the test above counts does happen, with the client that everybody would write.
func TestInvite_ordinaryClientSendsTwice(t *testing.T) {
	for name, tc := range twice {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tc.script)
			transport := &http.Transport{}
			client := http.Client{Transport: transport}
			for range 2 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Idempotency-Key", "x")
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is kept
				resp.Body.Close()
			}
			transport.CloseIdleConnections()
			s.stop()
			if got := s.posts.Load(); got != tc.tempted {
				t.Errorf("server got %d POSTs for 2 calls, want %d", got, tc.tempted)
			}
		})
	}
}

// A second answer that comes along with the first must not become the next request's. net/http drops a connection on
// which it finds one, but not if the next request is faster: here it always is. "Too many" would be tried again.
func TestInvite_answerFromBeforeTheRequestIsNone(t *testing.T) {
	config := identity(t, certOptions{})
	for _, secure := range []bool{false, true} {
		received := make(chan struct{})
		s := serve(t, func(p *peer) {
			if secure && !p.secure(config) {
				return
			}
			if p.receive() && p.say(answerOf(goodBody)+"HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n") && p.receive() {
				close(received)
				p.hang()
			}
		})
		c := newClient(t, s.url)
		if secure {
			trust(c, config)
		}
		var second sync.WaitGroup
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
			second.Go(func() {
				a := c.Invite(t.Context(), candidate(invite.SendLink), "")
				if want := "may already be e-mailed: an answer came before the request"; a.Outcome.Error != want {
					t.Errorf("got %q, retry %v, want %q", a.Outcome.Error, a.Retry, want)
				}
				checkSound(t, a)
			})
			<-received
		}})
		if a := c.Invite(ctx, candidate(invite.SendLink), ""); a.Outcome.State != invite.Invited {
			t.Errorf("first call: %q", a.Outcome.Error)
		}
		second.Wait()
		c.Close()
		s.stop()
		if got := s.posts.Load(); got != 2 {
			t.Errorf("server got %d requests, want 2", got)
		}
	}
}
