package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"batchinvite/pkg/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ann = `{"candidate_name":"Ann","candidate_email":"Ann@Example.org","assessment_id":4711,"invite_format":"sendlink","expiry_date":"2030-12-31 18:30"}`

var annKey = sandbox.Key{Assessment: 4711, Email: "ann@example.org"}

// body is a getlink invitation of somebody else.
func body(email string) string {
	return fmt.Sprintf(`{"candidate_name":"N","candidate_email":%q,"assessment_id":1,"invite_format":"getlink"}`, email)
}

// start runs a stand-in until the end of the test, and gives a client that leaves no goroutine behind.
func start(t testing.TB, cfg sandbox.Config) (*sandbox.Server, *client) {
	t.Helper()
	s := sandbox.New(cfg)
	base, err := s.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, &client{t: t, base: base, http: &http.Client{Transport: transport}}
}

type client struct {
	t    testing.TB
	base string
	http *http.Client
}

// do invites. It returns an error only for what goes wrong on the wire.
func (c *client) do(body string) (status int, header http.Header, answer string, err error) {
	return c.post("/assessments/invite", body)
}

func (c *client) post(path, body string) (status int, header http.Header, answer string, err error) {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return 0, nil, "", err
	}
	req.GetBody = nil // one call is one request
	req.Header.Set("apiKey", "k")
	req.Header.Set("Content-Type", "application/json")
	return c.send(req)
}

func (c *client) send(req *http.Request) (status int, header http.Header, answer string, err error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(data), err
}

func (c *client) want(body string, status int, answer string) {
	c.t.Helper()
	gotStatus, _, got, err := c.do(body)
	if err != nil {
		c.t.Fatal(err)
	}
	if gotStatus != status || got != answer {
		c.t.Errorf("answer to %s: got %d %s, want %d %s", body, gotStatus, got, status, answer)
	}
}

func TestInvite_answersWithExactlyTheDocumentedFields(t *testing.T) {
	_, c := start(t, sandbox.Config{Seed: 7})
	status, header, answer, err := c.do(ann)
	if err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %q, %v; want 200 application/json", status, header.Get("Content-Type"), err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	link, _ := got["invite_link"].(string)
	if !strings.HasPrefix(link, "https://") || !strings.HasSuffix(link, ".sandbox.invalid") {
		t.Errorf("invite_link: got %q, want https://….sandbox.invalid", link)
	}
	for _, id := range []string{"report_id", "candidate_id"} {
		if n, ok := got[id].(float64); !ok || n < 1 || n != float64(int64(n)) {
			t.Errorf("%s: got %v, want a positive integer", id, got[id])
		}
		got[id] = "checked"
	}
	got["invite_link"] = "checked"
	want := map[string]any{
		"email": "Ann@Example.org", "report_id": "checked", "candidate_id": "checked", "assessment_id": 4711.0,
		"invite_link": "checked", "name": "Ann", "status": "INVITED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestInvite_secondOfTheSameAddressHasItsOwnLink(t *testing.T) {
	s, c := start(t, sandbox.Config{})
	other := strings.NewReplacer("Ann@", "ANN@", "sendlink", "getlink").Replace(ann)
	for _, b := range []string{ann, strings.ToLower(ann), other} {
		if status, _, answer, err := c.do(b); status != http.StatusOK {
			t.Fatalf("got %d %s, %v; want 200", status, answer, err)
		}
	}
	links := s.Links()
	if len(links) != 3 || links[0] == links[1] || links[1] == links[2] || links[0] == links[2] {
		t.Errorf("links: got %q, want three different ones", links)
	}
	if diff := cmp.Diff(map[sandbox.Key]sandbox.Tally{annKey: {Attempts: 3, Links: 1, Mails: 2}}, s.Tallies()); diff != "" {
		t.Errorf("tallies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[sandbox.Key]int{annKey: 2}, s.Duplicates("sendlink")); diff != "" {
		t.Errorf("mailed twice (-want +got):\n%s", diff)
	}
	if got := s.Duplicates("getlink"); len(got) != 0 {
		t.Errorf("linked twice: got %v, want none", got)
	}
}

func TestInvite_linksDependOnTheSeedOnly(t *testing.T) {
	links := func(seed uint64) []string {
		s, c := start(t, sandbox.Config{Seed: seed})
		c.do(ann)
		c.do(ann)
		return s.Links()
	}
	one, again, other := links(1), links(1), links(2)
	if diff := cmp.Diff(one, again); diff != "" {
		t.Errorf("links of one seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(one, other) {
		t.Errorf("links of two seeds: got %q for both", one)
	}
}

func TestQuota_answersThatInvitesAreExhausted(t *testing.T) {
	s, c := start(t, sandbox.Config{Quota: 2, Script: func(_ sandbox.Key, attempt int) sandbox.Fault {
		return map[int]sandbox.Fault{1: {Kind: sandbox.ErrorBefore}, 2: {Kind: sandbox.ErrorAfter}, 4: {Kind: sandbox.Hang}}[attempt]
	}})
	c.want(ann, 500, `{"error":"sandbox fault 500-before"}`) // uses nothing up
	c.want(ann, 500, `{"error":"sandbox fault 500-after"}`)
	if status, _, answer, err := c.do(ann); status != http.StatusOK {
		t.Fatalf("second invitation: got %d %s, %v; want 200", status, answer, err)
	}
	c.want(ann, 403, `{"message":"Invites Exhausted. Please contact support.","error":"limit_exceed"}`)
	if got := s.Invitations(); got != 2 {
		t.Errorf("invitations: got %d, want 2", got)
	}
}

func TestRate_refusesTheCallsOverTheLimit(t *testing.T) {
	s, c := start(t, sandbox.Config{Rate: sandbox.Rate{Calls: 2, Per: time.Hour}})
	c.do(ann)
	c.do(ann)
	status, header, answer, err := c.do(ann)
	if err != nil || status != 429 || answer != `{"error":"rate limit exceeded"}` {
		t.Errorf("third call: got %d %s, %v; want 429", status, answer, err)
	}
	if got := header.Get("Retry-After"); got != "3600" {
		t.Errorf("Retry-After: got %q, want 3600", got)
	}
	c.want("{}", 429, `{"error":"rate limit exceeded"}`)
	if got := s.Tallies()[annKey]; got.Attempts != 2 || s.Calls() != 4 {
		t.Errorf("got %d attempts in %d calls, want 2 in 4", got.Attempts, s.Calls())
	}
}

// The clock is the bubble's, so there is no socket: the handler is called as it is.
func TestRate_windowBeginsAnewAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.Config{Rate: sandbox.Rate{Calls: 1, Per: 10 * time.Second}})
		call := func(after time.Duration) string {
			<-time.After(after)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/assessments/invite", strings.NewReader(ann))
			r.Header.Set("apiKey", "k")
			r.Header.Set("Content-Type", "application/json")
			s.ServeHTTP(w, r)
			return fmt.Sprint(w.Code, w.Header().Get("Retry-After"))
		}
		var got []string
		for _, after := range []time.Duration{time.Hour, 0, 9500 * time.Millisecond, 499 * time.Millisecond, time.Millisecond, 0} {
			got = append(got, call(after))
		}
		if diff := cmp.Diff([]string{"200", "42910", "4291", "4291", "200", "42910"}, got); diff != "" {
			t.Errorf("status and Retry-After (-want +got):\n%s", diff)
		}
	})
}

func TestCounts_addUpUnderConcurrency(t *testing.T) {
	for _, countsOnly := range []bool{false, true} {
		s, c := start(t, sandbox.Config{CountsOnly: countsOnly})
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for i := range 20 {
					c.do(body(fmt.Sprintf("p%d@example.org", (worker*20+i)%160))) // everybody twice
				}
			})
		}
		wg.Wait()
		if s.Calls() != 320 || s.Invitations() != 320 || len(s.Duplicates("getlink")) != 160 {
			t.Errorf("got %d calls, %d invitations, %d keys twice; want 320, 320, 160", s.Calls(), s.Invitations(), len(s.Duplicates("getlink")))
		}
		unique := make(map[string]bool)
		for _, link := range s.Links() {
			unique[link] = true
		}
		if want := map[bool]int{false: 320, true: 0}[countsOnly]; len(unique) != want || len(s.Log()) != want {
			t.Errorf("counts only %v: got %d links, %d calls in the log; want %d", countsOnly, len(unique), len(s.Log()), want)
		}
	}
}

// The client is a bare socket, so that what is measured is the stand-in.
func BenchmarkInvite(b *testing.B) {
	s, c := start(b, sandbox.Config{CountsOnly: true})
	host := strings.TrimSuffix(strings.TrimPrefix(c.base, "http://"), "/api/v2")
	request := fmt.Sprintf("POST /assessments/invite HTTP/1.1\r\nHost: h\r\napiKey: k\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(ann), ann)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		answer := make([]byte, 4096)
		for pb.Next() {
			io.WriteString(conn, request)
			if n, err := conn.Read(answer); err != nil || answer[n-1] != '}' {
				b.Errorf("got %q, %v; want a whole answer", answer[:n], err)
				return
			}
		}
	})
	if s.Invitations() != b.N {
		b.Errorf("got %d invitations, want %d", s.Invitations(), b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
