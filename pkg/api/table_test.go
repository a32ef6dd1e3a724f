package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

// verdict is what the caller goes by, in one comparable piece.
type verdict struct {
	Class          invite.Class
	State          invite.State
	Retry, Already bool
	Run            string
}

func verdictOf(a invite.Answer) verdict {
	v := verdict{a.Class, a.Outcome.State, a.Retry, a.Outcome.Already, "goes on"}
	switch {
	case a.Stop != nil:
		v.Run = "stops"
	case a.StopIfFirst != nil:
		v.Run = "fails, stops if first"
		if !a.Failing {
			v.Run = "stops if first"
		}
	case a.Failing:
		v.Run = "fails"
	case a.Throttled && a.Free:
		v.Run = "slows down"
	case a.Throttled || a.Free:
		v.Run = "throttled and free differ"
	}
	if a.Pause != 0 {
		v.Run += ", pauses " + a.Pause.String()
	}
	return v
}

// The verdicts of the table's cells, by the names that it gives them.
var (
	isUnsent   = verdict{Class: invite.ClassNotSent, State: invite.NotSent, Retry: true}
	isHeld     = verdict{Class: invite.ClassNotSent, State: invite.NotSent}
	isRefused  = verdict{Class: invite.ClassRefused, State: invite.NotSent}
	isLater    = verdict{Class: invite.ClassRefused, State: invite.NotSent, Retry: true}
	isInvited  = verdict{Class: invite.ClassAnswered, State: invite.Invited}
	isBefore   = verdict{Class: invite.ClassAnswered, State: invite.Invited, Already: true}
	isRejected = verdict{Class: invite.ClassAnswered, State: invite.Rejected}
	isAgain    = verdict{Class: invite.ClassAmbiguous, State: invite.Unknown, Retry: true}
	isUnknown  = verdict{Class: invite.ClassAmbiguous, State: invite.Unknown}
)

// take gives what an answer means for a job.
func take(c *Client, resp *http.Response, j job) invite.Answer {
	return c.read(resp, j).answer(j)
}

const wait = "Retry-After: 7"

// answerCase is an answer to an invitation.
type answerCase struct {
	name              string
	statuses          []int
	header, body      string
	getlink, sendlink verdict
	run               string
}

func (tc answerCase) respond(status int) *http.Response {
	resp := respond(status, nil, tc.body)
	if name, value, ok := strings.Cut(tc.header, ": "); ok {
		resp.Header.Set(name, value)
	}
	return resp
}

// answers is the table once more, as the vendor's answers and not as our code.
var answers = []answerCase{
	{"invited", []int{200, 201}, "", goodBody, isInvited, isInvited, "goes on"},
	{"invited, address spelled otherwise", []int{200, 201}, "", strings.Replace(goodBody, "ann@", " Ann@", 1), isInvited, isInvited, "goes on"},
	{"invited, http link to loopback", []int{200}, "", strings.Replace(goodBody, "https://vendor.example", "http://127.0.0.1:9", 1), isInvited, isInvited, "goes on"},
	{"invited, unread fields of any shape", []int{200}, "", strings.Replace(goodBody, `"name":"Ann Lee"`, `"name":["`+"\xff"+`"]`, 1), isInvited, isInvited, "goes on"},
	{"invited, the same field twice alike", []int{200}, "", strings.Replace(goodBody, `{`, `{"report_id":7,`, 1), isInvited, isInvited, "goes on"},
	{"an error field beside a link", []int{200}, "", strings.Replace(goodBody, `{`, `{"error":"limit_exceed",`, 1), isInvited, isInvited, "goes on"},
	{"no link but an id", []int{200, 201}, "", `{"email":"ann@example.org","report_id":7}`, isAgain, isInvited, "goes on"},
	{"null link but an id", []int{200, 201}, "", `{"email":"ann@example.org","candidate_id":"7","invite_link":null}`, isAgain, isInvited, "goes on"},

	{"neither link nor id", []int{200, 201}, "", `{"email":"ann@example.org","report_id":0}`, isAgain, isUnknown, "fails, stops if first"},
	{"another 2xx", []int{202, 203, 204, 205, 206, 207, 226, 299}, "", goodBody, isAgain, isUnknown, "fails, stops if first"},
	{"empty", []int{200, 201, 204}, "", "", isAgain, isUnknown, "fails, stops if first"},
	{"text", []int{200}, "", "OK", isAgain, isUnknown, "fails, stops if first"},
	{"HTML", []int{200}, "", "<html><title>Sign in</title>", isAgain, isUnknown, "fails, stops if first"},
	{"JSON, but no object", []int{200}, "", `[` + goodBody + `]`, isAgain, isUnknown, "fails, stops if first"},
	{"JSON that breaks off", []int{200}, "", goodBody[:len(goodBody)-1], isAgain, isUnknown, "fails, stops if first"},
	{"JSON and more", []int{200}, "", goodBody + "{}", isAgain, isUnknown, "fails, stops if first"},
	{"too large", []int{200}, "", goodBody + strings.Repeat(" ", maxBody), isAgain, isUnknown, "fails, stops if first"},
	{"another candidate's", []int{200, 201}, "", strings.Replace(goodBody, "ann@", "bob@", 1), isAgain, isUnknown, "fails, stops if first"},
	{"nobody's", []int{200, 201}, "", strings.Replace(goodBody, `"email"`, `"Email"`, 1), isAgain, isUnknown, "fails, stops if first"},
	{"an http link", []int{200}, "", strings.Replace(goodBody, "https:", "http:", 1), isAgain, isUnknown, "fails, stops if first"},
	{"a link without a host", []int{200}, "", strings.Replace(goodBody, "https://vendor.example", "", 1), isAgain, isUnknown, "fails, stops if first"},
	{"a link of two lines", []int{200}, "", strings.Replace(goodBody, "/abc", `/abc d`, 1), isAgain, isUnknown, "fails, stops if first"},
	{"a link of bad UTF-8", []int{200}, "", strings.Replace(goodBody, "/abc", "/\xff", 1), isAgain, isUnknown, "fails, stops if first"},
	{"a link as a number", []int{200}, "", strings.Replace(goodBody, `"https://vendor.example/t/abc"`, "1", 1), isAgain, isUnknown, "fails, stops if first"},
	{"an id as an object", []int{200}, "", strings.Replace(goodBody, `7`, "{}", 1), isAgain, isUnknown, "fails, stops if first"},
	{"a status as a number", []int{200}, "", strings.Replace(goodBody, `"INVITED"`, "1", 1), isAgain, isUnknown, "fails, stops if first"},
	{"two links", []int{200}, "", strings.Replace(goodBody, `{`, `{"invite_link":"https://other.example/",`, 1), isAgain, isUnknown, "fails, stops if first"},
	{"limit_exceed with 200", []int{200}, "", `{"error":"limit_exceed"}`, isAgain, isUnknown, "fails, stops if first"},

	{"limit_exceed", []int{300, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 599}, "", `{"message":"Invites Exhausted.","error":"limit_exceed"}`, isRefused, isRefused, "stops"},
	{"almost limit_exceed", []int{400, 422}, "", `{"error":"limit_exceeded"}`, isRejected, isRejected, "goes on"},
	{"limit_exceed elsewhere", []int{400, 422}, "", `{"message":"limit_exceed"}`, isRejected, isRejected, "goes on"},

	{"redirect", []int{301, 307, 308}, "Location: https://other.example/", "", isRefused, isRefused, "stops"},
	{"redirect to see the result", []int{302, 303}, "Location: https://other.example/", "", isRefused, isUnknown, "stops"},
	{"another 3xx", []int{300, 304, 305, 306, 310, 399}, "", "", isAgain, isUnknown, "fails, stops if first"},

	{"key refused", []int{401}, "", `{"error":"no"}`, isRefused, isRefused, "stops"},
	{"payment", []int{402}, "", "", isRefused, isRefused, "stops"},
	{"forbidden", []int{403}, "", `{"error":"no"}`, isRefused, isRefused, "goes on"},
	{"rejected", []int{400, 413, 414, 415, 422, 431}, "", `{"error":"no"}`, isRejected, isRejected, "goes on"},
	{"not there", []int{404, 405, 410}, "", "", isRejected, isRejected, "goes on"},
	{"another 4xx", []int{406, 407, 418, 423, 424, 451, 499}, wait, goodBody, isRejected, isRejected, "goes on"},
	{"request timeout", []int{408}, wait, "", isAgain, isUnknown, "goes on"},
	{"conflict with a link", []int{409}, "", goodBody, isBefore, isBefore, "goes on"},
	{"conflict without one", []int{409}, "", `{"email":"ann@example.org","report_id":7}`, isRejected, isRejected, "goes on"},
	{"too early", []int{425}, "", "", isLater, isLater, "goes on"},
	{"too many", []int{429}, "", "", isLater, isLater, "slows down"},
	{"too many, wait", []int{429}, wait, goodBody, isLater, isLater, "slows down, pauses 7s"},

	{"unavailable, wait", []int{503}, wait, "", isAgain, isUnknown, "goes on, pauses 7s"},
	{"bare 503", []int{503}, "", "", isAgain, isUnknown, "fails"},
	{"server error", []int{500, 501, 502, 504, 505, 520, 525, 530, 599}, wait, goodBody, isAgain, isUnknown, "fails"},
	{"switching protocols", []int{101}, "", "", isAgain, isUnknown, "fails, stops if first"},
	{"no status that there is", []int{0, 99, 199, 600, 999}, "", goodBody, isAgain, isUnknown, "fails, stops if first"},
}

func TestTable_everyAnswer(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range answers {
		for _, status := range tc.statuses {
			for i, want := range []verdict{tc.getlink, tc.sendlink} {
				want.Run = tc.run
				got := take(c, tc.respond(status), c.invitation(candidate(formats[i]), ""))
				if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
					t.Errorf("%s, %d, %s (-want +got):\n%s", tc.name, status, formats[i], diff)
				}
				checkSound(t, got)
			}
		}
	}
}

// An answer whose body breaks off counts by its status, unless the body is what counts.
func TestTable_brokenBodies(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range []struct {
		status            int
		getlink, sendlink verdict
		run               string
	}{
		{200, isAgain, isUnknown, "fails"},
		{201, isAgain, isUnknown, "fails"},
		{301, isRefused, isRefused, "stops"},
		{401, isRefused, isRefused, "stops"},
		{403, isRefused, isRefused, "goes on"},
		{409, isRejected, isRejected, "goes on"},
		{422, isRejected, isRejected, "goes on"},
		{429, isLater, isLater, "slows down"},
		{500, isAgain, isUnknown, "fails"},
	} {
		for i, want := range []verdict{tc.getlink, tc.sendlink} {
			want.Run = tc.run
			body := io.MultiReader(strings.NewReader(goodBody), brokenReader{})
			resp := &http.Response{StatusCode: tc.status, Header: http.Header{}, Body: io.NopCloser(body)}
			got := take(c, resp, c.invitation(candidate(formats[i]), ""))
			if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
				t.Errorf("%d, %s (-want +got):\n%s", tc.status, formats[i], diff)
			}
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTable_everyFailure(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	unverified := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for _, tc := range []struct {
		name              string
		err               error
		signs             sign
		getlink, sendlink verdict
		run               string
	}{
		{"certificate", unverified, apart | stayed, isHeld, isHeld, "stops"},
		{"no connection", errors.New("any"), apart | stayed, isUnsent, isUnsent, "fails"},
		{"nothing left", errors.New("any"), stayed, isUnsent, isUnsent, "goes on"},
		{"something left", errors.New("any"), broke, isAgain, isUnknown, "fails"},
		{"something left, the text says otherwise", errors.New("connection refused"), broke, isAgain, isUnknown, "fails"},
		{"something left, certificate", unverified, broke, isAgain, isUnknown, "fails"},
	} {
		for i, want := range []verdict{tc.getlink, tc.sendlink} {
			want.Run = tc.run
			got := c.failure(t.Context(), t.Context(), tc.err, tc.signs).answer(c.invitation(candidate(formats[i]), "2030-01-02 03:04"))
			if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tc.name, formats[i], diff)
			}
			checkSound(t, got)
		}
	}
}

// Whatever comes: a line is found, always the same one, and it keeps the promise of "never twice".
func TestTable_isTotal(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range []struct {
		job     job
		bodies  []sign
		success invite.State
	}{
		{c.invitation(candidate(invite.GetLink), ""), []sign{0, link, id}, invite.Invited},
		{c.invitation(candidate(invite.SendLink), ""), []sign{0, link, id}, invite.Invited},
		{revocation(Revocation{ReportID: "7"}), []sign{0, undone, undoneBefore, notAllowed, notRevoked}, invite.Revoked},
	} {
		for signs := range limit << 1 {
			for _, body := range tc.bodies {
				for _, status := range statuses(signs) {
					checkLine(t, tc.job, tc.success, signs|body, status)
				}
			}
		}
	}
}

// statuses gives all that there can be, and only a few for calls that got no answer: those have none.
func statuses(signs sign) (all []int) {
	if signs&(unfit|untrusted|apart|stayed|broke) != 0 {
		return []int{-1, 0, 1, 100, 200, 429, 503, 999, 1000}
	}
	for status := -1; status <= 1000; status++ {
		all = append(all, status)
	}
	return all
}

func checkLine(t *testing.T, j job, success invite.State, signs sign, status int) {
	l := decide(signs, status)
	if again := decide(signs, status); again != l {
		t.Fatalf("signs %b, status %d: two lines, %v and %v", signs, status, l, again)
	}
	a := reply{signs: signs, status: status, fault: "x", pause: time.Second}.answer(j)
	checkSound(t, a)
	switch s := a.Outcome.State; {
	case a.Outcome.NotLeft && signs&(unfit|untrusted|stayed) == 0:
		t.Fatalf("signs %b, status %d: not sent without a proof", signs, status)
	case j.once && a.Class == invite.ClassAmbiguous && a.Retry:
		t.Fatalf("signs %b, status %d: an ambiguous sendlink is tried again", signs, status)
	case !j.once && a.Class == invite.ClassAmbiguous && !a.Retry:
		t.Fatalf("signs %b, status %d: an ambiguous %s is given up", signs, status, j.path)
	case (s == invite.Invited || s == invite.Revoked) && s != success:
		t.Fatalf("signs %b, status %d: %s makes somebody %s", signs, status, j.path, s)
	}
}

// checkSound checks what holds for every answer.
func checkSound(t *testing.T, a invite.Answer) {
	t.Helper()
	o := a.Outcome
	states := map[invite.Class][]invite.State{
		invite.ClassNotSent:   {invite.NotSent},
		invite.ClassRefused:   {invite.NotSent},
		invite.ClassAnswered:  {invite.Invited, invite.Revoked, invite.Rejected},
		invite.ClassAmbiguous: {invite.Unknown},
	}[a.Class]
	fits := false
	for _, s := range states {
		fits = fits || s == o.State
	}
	switch {
	case !fits:
		t.Errorf("class %q with state %q", a.Class, o.State)
	case o.NotLeft != (a.Class == invite.ClassNotSent):
		t.Errorf("class %q with NotLeft %v", a.Class, o.NotLeft)
	case (o.Error == "") != (o.State == invite.Invited || o.State == invite.Revoked):
		t.Errorf("state %q with error %q", o.State, o.Error)
	case o.Link != "" && o.State != invite.Invited:
		t.Errorf("state %q with link %q", o.State, o.Link)
	case o.NotLeft && o.Expires != "":
		t.Errorf("nothing left, but the date %q was sent", o.Expires)
	case o.At.IsZero() || o.At.Location() != time.UTC:
		t.Errorf("time %v is not in UTC", o.At)
	case a.Stop != nil && a.StopIfFirst != nil:
		t.Errorf("both stops: %v and %v", a.Stop, a.StopIfFirst)
	}
	for _, s := range []*invite.Stop{a.Stop, a.StopIfFirst} {
		if s != nil && (s.Kind != invite.StopPerson || s.Reason == "") {
			t.Errorf("stop %+v, want a person and a reason", s)
		}
	}
}
