package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"batchinvite/pkg/sandbox"
)

// scripted makes every call fail in the same way.
func scripted(f sandbox.Fault) sandbox.Config {
	return sandbox.Config{Seed: 1, Script: func(sandbox.Key, int) sandbox.Fault { return f }}
}

// send writes one request to a socket of its own.
func send(t *testing.T, host, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\napiKey: k\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		path, len(ann), ann)
	return conn
}

// raw sends one request and gives all that comes back until the connection ends, from a goroutine of its own.
func raw(t *testing.T, baseURL string) <-chan received {
	t.Helper()
	conn := send(t, strings.TrimSuffix(strings.TrimPrefix(baseURL, "http://"), "/api/v2"), "/api/v2/assessments/invite")
	end := make(chan received, 1)
	go func() {
		defer conn.Close()
		text, err := io.ReadAll(conn)
		end <- received{string(text), err}
	}()
	return end
}

type received struct {
	text string
	err  error
}

func TestFault_isSeenByARawClient(t *testing.T) {
	for _, tt := range []struct {
		fault   sandbox.Fault
		acted   bool
		status  int
		reset   bool
		answers []string // are in the answer
	}{
		{fault: sandbox.Fault{}, acted: true, status: 200, answers: []string{"HTTP/1.1 200 OK\r\n", `"status":"INVITED"}`}},
		{fault: sandbox.Fault{Kind: sandbox.Rejected}, status: 422, answers: []string{"HTTP/1.1 422 ", `{"error":"sandbox fault 422"}`}},
		{fault: sandbox.Fault{Kind: sandbox.Throttled, RetryAfter: 1500 * time.Millisecond}, status: 429,
			answers: []string{"HTTP/1.1 429 ", "\r\nRetry-After: 1.5\r\n", `{"error":"sandbox fault 429"}`}},
		{fault: sandbox.Fault{Kind: sandbox.ErrorBefore}, status: 500, answers: []string{"HTTP/1.1 500 ", `{"error":"sandbox fault 500-before"}`}},
		{fault: sandbox.Fault{Kind: sandbox.ErrorAfter}, acted: true, status: 500, answers: []string{"HTTP/1.1 500 ", `{"error":"sandbox fault 500-after"}`}},
		{fault: sandbox.Fault{Kind: sandbox.Unavailable, RetryAfter: 2 * time.Second}, status: 503,
			answers: []string{"HTTP/1.1 503 ", "\r\nRetry-After: 2\r\n", `{"error":"sandbox fault 503"}`}},
		{fault: sandbox.Fault{Kind: sandbox.OutOfService, RetryAfter: time.Second}, status: 503,
			answers: []string{"HTTP/1.1 503 Service Unavailable\r\nContent-Type: ", `{"error":"sandbox fault 503-bare"}`}},
		{fault: sandbox.Fault{Kind: sandbox.BadGateway}, status: 502, answers: []string{"HTTP/1.1 502 ", `{"error":"sandbox fault 502"}`}},
		{fault: sandbox.Fault{Kind: sandbox.GatewayTimeout}, status: 504, answers: []string{"HTTP/1.1 504 ", `{"error":"sandbox fault 504"}`}},
		{fault: sandbox.Fault{Kind: sandbox.Redirect}, status: 302, answers: []string{"HTTP/1.1 302 ", "\r\nLocation: /login\r\n", `{"error":"sandbox fault 302"}`}},
		{fault: sandbox.Fault{Kind: sandbox.LimitExceed}, status: 403,
			answers: []string{"HTTP/1.1 403 ", `{"message":"Invites Exhausted. Please contact support.","error":"limit_exceed"}`}},
		{fault: sandbox.Fault{Kind: "400"}, status: 400, answers: []string{"HTTP/1.1 400 ", `{"error":"sandbox fault 400"}`}},
		{fault: sandbox.Fault{Kind: "401"}, status: 401, answers: []string{"HTTP/1.1 401 ", `{"error":"sandbox fault 401"}`}},
		{fault: sandbox.Fault{Kind: "405"}, status: 405, answers: []string{"HTTP/1.1 405 ", "\r\nAllow: POST\r\n", `{"error":"sandbox fault 405"}`}},
		{fault: sandbox.Fault{Kind: "499"}, status: 499, answers: []string{"HTTP/1.1 499 ", `{"error":"sandbox fault 499"}`}},
		{fault: sandbox.Fault{Kind: sandbox.ResetBefore}, reset: true},
		{fault: sandbox.Fault{Kind: sandbox.ResetAfter}, acted: true, reset: true},
		{fault: sandbox.Fault{Kind: sandbox.Truncated}, acted: true, status: 200, answers: []string{"HTTP/1.1 200 OK\r\n", `{"email":`}},
		{fault: sandbox.Fault{Kind: sandbox.HTML}, acted: true, status: 200,
			answers: []string{"HTTP/1.1 200 OK\r\n", "\r\nContent-Type: text/html; charset=utf-8\r\n", "<!DOCTYPE html>"}},
	} {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			s, c := start(t, scripted(tt.fault))
			got := <-raw(t, c.base)
			if errors.Is(got.err, syscall.ECONNRESET) != tt.reset || !tt.reset && got.err != nil {
				t.Errorf("end of connection: got %v, want a reset: %v", got.err, tt.reset)
			}
			if tt.reset && got.text != "" {
				t.Errorf("answer: got %q, want none", got.text)
			}
			for _, want := range tt.answers {
				if !strings.Contains(got.text, want) {
					t.Errorf("answer: got %q, want %q in it", got.text, want)
				}
			}
			wantLinks := 0
			if tt.acted {
				wantLinks = 1
			}
			if s.Invitations() != wantLinks || len(s.Links()) != wantLinks {
				t.Errorf("got %d invitations, links %q; want %d", s.Invitations(), s.Links(), wantLinks)
			}
			call := s.Log()[0]
			if call.Acted != tt.acted || call.Status != tt.status || call.Fault != tt.fault.Kind {
				t.Errorf("log: got acted %v, status %d, fault %q; want %v, %d, %q",
					call.Acted, call.Status, call.Fault, tt.acted, tt.status, tt.fault.Kind)
			}
		})
	}
}

func TestTruncated_isAnUnexpectedEndForAClient(t *testing.T) {
	_, c := start(t, scripted(sandbox.Fault{Kind: sandbox.Truncated}))
	status, _, answer, err := c.do(ann)
	if status != 200 || answer == "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d %q, %v; want 200, half a body and an unexpected EOF", status, answer, err)
	}
}

// handle runs a stand-in as the handler of a server that isn't its own. returned is closed at the end of its one call.
func handle(t *testing.T, cfg sandbox.Config) (s *sandbox.Server, host string, returned <-chan struct{}) {
	s = sandbox.New(cfg)
	end := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(end)
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return s, strings.TrimPrefix(server.URL, "http://"), end
}

func wantEnd(t *testing.T, returned <-chan struct{}) {
	t.Helper()
	select {
	case <-returned:
	case <-time.After(5 * time.Second):
		t.Fatal("the call is still being handled after 5 s")
	}
}

func TestHang_endsWhenTheClientGoes(t *testing.T) {
	s, host, returned := handle(t, scripted(sandbox.Fault{Kind: sandbox.Hang}))
	conn := send(t, host, "/assessments/invite")
	waitFor(t, func() bool { return s.Invitations() == 1 })
	conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes, %v; want no answer", n, err)
	}
	conn.Close()
	wantEnd(t, returned)
}

// waitFor asks until something is so that tells nobody when it happens.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("waited 10 s in vain")
		}
	}
}

func TestClose_endsHangsAndDelays(t *testing.T) {
	for _, tt := range []struct {
		fault sandbox.Fault
		want  sandbox.Call
	}{
		{sandbox.Fault{Kind: sandbox.Hang}, sandbox.Call{Acted: true, Fault: sandbox.Hang}},
		{sandbox.Fault{Latency: time.Hour}, sandbox.Call{Error: "sandbox closed"}},
	} {
		s, host, returned := handle(t, scripted(tt.fault))
		conn := send(t, host, "/assessments/invite")
		defer conn.Close()
		waitFor(t, func() bool { return s.Tallies()[annKey].Attempts == 1 })
		if tt.want.Acted {
			waitFor(t, func() bool { return s.Invitations() == 1 })
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wantEnd(t, returned)
		if answer, _ := io.ReadAll(conn); len(answer) != 0 {
			t.Errorf("answer: got %q, want none", answer)
		}
		got := s.Log()[0]
		if got.Acted != tt.want.Acted || got.Status != 0 || got.Fault != tt.want.Fault || got.Error != tt.want.Error {
			t.Errorf("log of %v: got %+v, want %+v", tt.fault, got, tt.want)
		}
	}
}

// The clock is the bubble's, so there is no socket: the handler is called as it is.
func TestLatency_delaysTheAnswerAndOutlivesTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := sandbox.ParsePlan("latency=20ms+10ms")
		if err != nil {
			t.Fatal(err)
		}
		s := sandbox.New(sandbox.Config{Plan: plan})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		took := make(map[time.Duration]bool)
		for range 50 {
			begun := time.Now()
			r := httptest.NewRequestWithContext(gone, http.MethodPost, "/assessments/invite", strings.NewReader(ann))
			r.Header.Set("apiKey", "k")
			r.Header.Set("Content-Type", "application/json")
			s.ServeHTTP(httptest.NewRecorder(), r)
			d := time.Since(begun)
			if d < 20*time.Millisecond || d >= 30*time.Millisecond {
				t.Errorf("latency: got %v, want 20 to 30 ms", d)
			}
			took[d] = true
		}
		if len(took) < 40 {
			t.Errorf("latency: got %d different ones of 50, want jitter", len(took))
		}
		if s.Invitations() != 50 {
			t.Errorf("invitations: got %d, want 50", s.Invitations())
		}
	})
}

func TestScript_unknownKindIsAPanic(t *testing.T) {
	s := sandbox.New(scripted(sandbox.Fault{Kind: "500"}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/assessments/invite", strings.NewReader(ann))
	r.Header.Set("apiKey", "k")
	r.Header.Set("Content-Type", "application/json")
	defer func() {
		if got := recover(); got != `sandbox: unknown fault "500"` {
			t.Errorf("panic: got %v, want sandbox: unknown fault \"500\"", got)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), r)
}

type attempt struct {
	Email string
	N     int
}

type luck struct {
	Fault sandbox.Kind
	Link  string
}

// drawn gives what a server made of every attempt, for calls in the order given.
func drawn(t testing.TB, seed uint64, plan sandbox.Plan, emails []string) map[attempt]luck {
	s, c := start(t, sandbox.Config{Seed: seed, Plan: plan})
	for _, email := range emails {
		c.do(body(email))
	}
	all := make(map[attempt]luck)
	for _, call := range s.Log() {
		all[attempt{call.Email, call.Attempt}] = luck{call.Fault, call.Link}
	}
	return all
}

func TestFaults_sameSeedSameFaultsAndLinksInAnyOrder(t *testing.T) {
	plan, err := sandbox.ParsePlan("422=0.1,429=0.1,500-before=0.1,500-after=0.1,503=0.1,reset-before=0.1,reset-after=0.1,truncated=0.1,html=0.1")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		emails := rapid.SliceOfN(rapid.SampledFrom([]string{"a@x.org", "b@x.org", "c@x.org", "d@x.org"}), 1, 20).Draw(rt, "emails")
		shuffled := rapid.Permutation(emails).Draw(rt, "order")
		if diff := cmp.Diff(drawn(t, seed, plan, emails), drawn(t, seed, plan, shuffled)); diff != "" {
			rt.Errorf("faults and links (-one order +another):\n%s", diff)
		}
	})
}

func TestFaults_comeAsOftenAsThePlanSays(t *testing.T) {
	plan, err := sandbox.ParsePlan("422=0.3,500-after=0.1")
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for i := range 1000 {
		emails = append(emails, fmt.Sprintf("p%d@x.org", i))
	}
	one, other := drawn(t, 1, plan, emails), drawn(t, 2, plan, emails)
	count, differ := make(map[sandbox.Kind]int), 0
	for a, luck := range one {
		count[luck.Fault]++
		if luck.Fault != other[a].Fault {
			differ++
		}
	}
	// The seeds are fixed, so this can't fail by chance. The bounds are five standard deviations.
	for kind, want := range map[sandbox.Kind]int{sandbox.Rejected: 300, sandbox.ErrorAfter: 100, "": 600} {
		if got := count[kind]; got < want-75 || got > want+75 {
			t.Errorf("fault %q: got %d of 1000, want about %d", kind, got, want)
		}
	}
	if differ < 400 {
		t.Errorf("another seed: got %d other faults of 1000, want about 540", differ)
	}
}
