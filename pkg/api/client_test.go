package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestInvite_sendsWhatIsDocumented(t *testing.T) {
	var got strings.Builder
	s := serve(t, func(p *peer) {
		p.r.Reset(io.TeeReader(p.TCPConn, &got))
		if p.receive() {
			p.say(answerOf(goodBody))
		}
	})
	c := newClient(t, s.url+"/v2/")
	a := c.Invite(t.Context(), candidate(invite.SendLink), "2030-01-02 03:04")
	s.stop()
	want := "POST /v2/assessments/invite HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.url, "http://") + "\r\n" +
		"User-Agent: test/1\r\nContent-Length: 145\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n" +
		"Content-Type: application/json\r\napiKey: " + canary + "\r\n\r\n" +
		`{"candidate_name":"Ann Lee","candidate_email":"Ann@Example.org","assessment_id":4711,"invite_format":"sendlink","expiry_date":"2030-01-02 03:04"}`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	o := a.Outcome
	if time.Since(o.At) > time.Minute || o.At.Location() != time.UTC {
		t.Errorf("answered at %v, want now in UTC", o.At)
	}
	o.At = time.Time{}
	wantOutcome := invite.Outcome{
		State: invite.Invited, Link: "https://vendor.example/t/abc", CandidateID: "c-9", ReportID: "7", APIStatus: "INVITED", Expires: "2030-01-02 03:04",
	}
	if diff := cmp.Diff(wantOutcome, o); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestInvite_leavesOutNoDate(t *testing.T) {
	bodies := make(chan string, 1)
	s := serve(t, func(p *peer) {
		if p.receive() {
			bodies <- string(p.body)
			p.say(answerOf(goodBody))
		}
	})
	newClient(t, s.url).Invite(t.Context(), candidate(invite.GetLink), "")
	want := `{"candidate_name":"Ann Lee","candidate_email":"Ann@Example.org","assessment_id":4711,"invite_format":"getlink"}`
	if got := <-bodies; got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
}

// The caller gives up just when the transport begins to write: "not sent" must stay true for ever after.
func TestInvite_abortWhileWriting(t *testing.T) {
	s := serve(t, func(p *peer) {
		p.receive()
		p.hang()
	})
	c := newClient(t, s.url)
	got := map[invite.Class]int64{}
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { cancel() }})
		a := c.Invite(ctx, candidate(invite.SendLink), "")
		got[a.Class]++
		checkSound(t, a)
		want := map[invite.Class]string{
			invite.ClassNotSent:   "not sent: the call was aborted",
			invite.ClassAmbiguous: "may already be e-mailed: the call was aborted after the request had left",
		}[a.Class]
		if a.Outcome.Error != want {
			t.Fatalf("got %q, want %q", a.Outcome.Error, want)
		}
	}
	s.stop()
	t.Logf("verdicts: %v, requests: %d", got, s.posts.Load())
	if posts := s.posts.Load(); posts > got[invite.ClassAmbiguous] {
		t.Errorf("server got %d requests, but only %d verdicts say so", posts, got[invite.ClassAmbiguous])
	}
}

func TestInvite_abortedBeforehandIsNotSent(t *testing.T) {
	s := serve(t, func(p *peer) { p.receive() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := newClient(t, s.url).Invite(ctx, candidate(invite.SendLink), "")
	if a.Outcome.Error != "not sent: the call was aborted" || !a.Outcome.NotLeft {
		t.Errorf("got %+v, want a call that was not sent", a.Outcome)
	}
	s.stop()
	if got := s.posts.Load(); got != 0 {
		t.Errorf("server got %d requests, want 0", got)
	}
}

func TestInvite_abortWhileWaitingForTheAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(p *peer) {
		if p.receive() {
			cancel()
			p.hang()
		}
	})
	a := newClient(t, s.url).Invite(ctx, candidate(invite.SendLink), "")
	if want := "may already be e-mailed: the call was aborted after the request had left"; a.Outcome.Error != want {
		t.Errorf("got %q, want %q", a.Outcome.Error, want)
	}
}

// All connections are taken: the wait for one ends with the timeout, and proves that nothing left.
func TestInvite_timeoutWithoutConnection(t *testing.T) {
	received := make(chan struct{})
	s := serve(t, func(p *peer) {
		if p.receive() {
			close(received)
			p.hang()
		}
	})
	o := options()
	o.BaseURL = s.url
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var first sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	first.Go(func() { c.Invite(ctx, candidate(invite.GetLink), "") })
	<-received
	second := *c
	second.timeout = 50 * time.Millisecond
	a := second.Invite(t.Context(), candidate(invite.SendLink), "")
	if want := "not sent: no connection to " + c.base.Host + " within 50ms"; a.Outcome.Error != want || !a.Retry {
		t.Errorf("got %q, retry %v, want %q, retry true", a.Outcome.Error, a.Retry, want)
	}
	cancel()
	first.Wait()
	c.Close()
	if got := s.posts.Load(); got != 1 {
		t.Errorf("server got %d requests, want 1", got)
	}
}

func TestInvite_usesOneConnectionAWorker(t *testing.T) {
	s := serve(t, func(p *peer) {
		for p.receive() {
			if p.last.ContentLength%2 == 0 {
				p.say(answerOf(goodBody))
			} else {
				p.say("HTTP/1.1 422 X\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30000))
			}
		}
	})
	c := newClient(t, s.url)
	var calls sync.WaitGroup
	for i := range 12 {
		calls.Go(func() {
			for j := range 10 {
				cand := candidate(invite.GetLink)
				cand.Name = strings.Repeat("x", i+j)
				if a := c.Invite(t.Context(), cand, ""); a.Class != invite.ClassAnswered {
					t.Errorf("class %q, error %q", a.Class, a.Outcome.Error)
				}
			}
		})
	}
	calls.Wait()
	if posts, conns := s.posts.Load(), s.conns.Load(); posts != 120 || conns > 4 {
		t.Errorf("%d requests on %d connections, want 120 on at most 4", posts, conns)
	}
}

func BenchmarkInvite(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, goodBody)
	}))
	defer s.Close()
	c := newClient(b, s.URL)
	b.ReportAllocs()
	for b.Loop() {
		if a := c.Invite(b.Context(), candidate(invite.GetLink), ""); a.Outcome.State != invite.Invited {
			b.Fatal(a.Outcome.Error)
		}
	}
}
