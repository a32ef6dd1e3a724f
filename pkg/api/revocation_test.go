package api

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestRevoke_sendsWhatIsDocumented(t *testing.T) {
	for _, tc := range []struct {
		revocation Revocation
		body       string
	}{
		{Revocation{ReportID: "7"}, `{"report_id":7}`},
		{Revocation{ReportID: "12345678901234567890", Notify: true}, `{"report_id":12345678901234567890,"notify_candidate":true}`},
	} {
		var path, key, body string
		s := serve(t, func(p *peer) {
			if p.receive() {
				path, key, body = p.last.URL.Path, p.last.Header.Get("apiKey"), string(p.body)
				p.say(answerOf(`{"status":"REVOKED"}`))
			}
		})
		a := newClient(t, s.url+"/v2").Revoke(t.Context(), tc.revocation)
		s.stop()
		if path != "/v2/assessments/invite/revoke" || key != canary || body != tc.body {
			t.Errorf("got %s with key %q: %s\nwant /v2/assessments/invite/revoke with the key: %s", path, key, body, tc.body)
		}
		o := a.Outcome
		if time.Since(o.At) > time.Minute || o.At.Location() != time.UTC {
			t.Errorf("answered at %v, want now in UTC", o.At)
		}
		o.At = time.Time{}
		if diff := cmp.Diff(invite.Outcome{State: invite.Revoked, APIStatus: "REVOKED"}, o); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	}
}

func TestRevoke_withoutAWholeNumberNothingIsSent(t *testing.T) {
	s := serve(t, func(p *peer) { p.receive() })
	c := newClient(t, s.url)
	for id, want := range map[string]string{
		"":              "not sent: the invitation has no report id",
		"0":             `not sent: the report id "0" is not a whole number`,
		"-7":            `not sent: the report id "-7" is not a whole number`,
		"+7":            `not sent: the report id "+7" is not a whole number`,
		"7.0":           `not sent: the report id "7.0" is not a whole number`,
		"7e3":           `not sent: the report id "7e3" is not a whole number`,
		"007":           `not sent: the report id "007" is not a whole number`,
		"7 ":            `not sent: the report id "7" is not a whole number`,
		"7\n":           `not sent: the report id "7" is not a whole number`,
		"٧":             `not sent: the report id "٧" is not a whole number`,
		`7,"x":1`:       `not sent: the report id "7,\"x\":1" is not a whole number`,
		"x-" + canary:   `not sent: the report id "x-[API key]" is not a whole number`,
		"ann@x.example": `not sent: the report id "a***@x.example" is not a whole number`,
	} {
		a := c.Revoke(t.Context(), Revocation{ReportID: id})
		if a.Outcome.Error != want {
			t.Errorf("report id %q:\n got %q\nwant %q", id, a.Outcome.Error, want)
		}
		if diff := cmp.Diff(isHeld, withoutRun(verdictOf(a))); diff != "" {
			t.Errorf("report id %q (-want +got):\n%s", id, diff)
		}
		checkSound(t, a)
	}
	s.stop()
	if got := s.conns.Load(); got != 0 {
		t.Errorf("%d connections, want 0", got)
	}
}

func withoutRun(v verdict) verdict {
	v.Run = ""
	return v
}

const (
	keepsText  = "the vendor does not allow it: sent before the last change of plan"
	notNowText = "the vendor could not revoke it now, try again later"
)

var (
	isRevoked       = verdict{Class: invite.ClassAnswered, State: invite.Revoked}
	isRevokedBefore = verdict{Class: invite.ClassAnswered, State: invite.Revoked, Already: true}
)

// What the answers to a revocation mean, save what answers to an invitation have in common with them.
func TestRevoke_everyAnswer(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range []struct {
		name, body string
		statuses   []int
		want       verdict
		run        string
		word, text string // the text of the last status
	}{
		{"revoked", `{"status":"REVOKED"}`, []int{200, 201, 202}, isRevoked, "goes on", "REVOKED", ""},
		{"revoked, in another case", `{"id":1,"status":"Revoked"}`, []int{200}, isRevoked, "goes on", "Revoked", ""},
		{"revoked before", `{"status":"ALREADY_REVOKED"}`, []int{200, 400, 404, 409, 410}, isRevokedBefore, "goes on", "ALREADY_REVOKED", ""},
		{"not allowed", `{"status":"NOT_ALLOWED","error":"old plan"}`, []int{200, 400, 403, 422}, isRejected, "goes on", "NOT_ALLOWED", keepsText},
		{"error", `{"status":"ERROR_REVOKING"}`, []int{200, 400, 409, 422}, isLater, "goes on", "ERROR_REVOKING", notNowText},
		{"error with a 5xx", `{"status":"ERROR_REVOKING"}`, []int{500, 503}, isAgain, "fails", "", `may already be revoked: the vendor answered 503: {"status":"ERROR_REVOKING"}`},
		{"revoked, with an error's status", `{"status":"REVOKED"}`, []int{400, 404}, isRejected, "goes on", "", `rejected by the vendor (404): {"status":"REVOKED"}`},
		{"revoked, with a failure's status", `{"status":"REVOKED"}`, []int{500, 502}, isAgain, "fails", "", `may already be revoked: the vendor answered 502: {"status":"REVOKED"}`},
		{"key refused, whatever it says", `{"status":"NOT_ALLOWED"}`, []int{402, 401}, isRefused, "stops", "", `refused by the vendor (401): {"status":"NOT_ALLOWED"}`},
		{"used up, whatever it says", `{"status":"NOT_ALLOWED","error":"limit_exceed"}`, []int{400, 403}, isRefused, "stops", "", "refused by the vendor (403): limit_exceed"},
		{"too many, whatever it says", `{"status":"ERROR_REVOKING","error":"slowly"}`, []int{429}, isLater, "slows down", "", "refused by the vendor (429): slowly"},
		{"an unknown word", `{"status":"PENDING"}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer's status is not one that is known: {"status":"PENDING"}`},
		{"a word with a space", `{"status":"REVOKED "}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer's status is not one that is known: {"status":"REVOKED "}`},
		{"no word", `{"message":"done"}`, []int{200}, isAgain, "fails, stops if first", "", "may already be revoked: the vendor answered 200: the answer has no status: done"},
		{"the name in another case", `{"Status":"REVOKED"}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer has no status: {"Status":"REVOKED"}`},
		{"deeper down", `{"data":{"status":"REVOKED"}}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer has no status: {"data":{"status":"REVOKED"}}`},
		{"a number", `{"status":1}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer's status is of the wrong type: {"status":1}`},
		{"two words", `{"status":"REVOKED","status":"NOT_ALLOWED"}`, []int{200}, isAgain, "fails, stops if first", "",
			`may already be revoked: the vendor answered 200: the answer has two different values of one name: {"status":"REVOKED","status":"NOT_ALLOWED"}`},
		{"an error that names no word", `{"error":"no such report"}`, []int{400, 404}, isRejected, "goes on", "", "rejected by the vendor (404): no such report"},
	} {
		tc.want.Run = tc.run
		for i, status := range tc.statuses {
			got := take(c, respond(status, nil, tc.body), revocation(Revocation{ReportID: "7"}))
			if diff := cmp.Diff(tc.want, verdictOf(got)); diff != "" {
				t.Errorf("%s, %d (-want +got):\n%s", tc.name, status, diff)
			}
			if got.Outcome.APIStatus != tc.word {
				t.Errorf("%s, %d: got the word %q, want %q", tc.name, status, got.Outcome.APIStatus, tc.word)
			}
			if i == len(tc.statuses)-1 && got.Outcome.Error != tc.text {
				t.Errorf("%s, %d:\n got %q\nwant %q", tc.name, status, got.Outcome.Error, tc.text)
			}
			checkSound(t, got)
		}
	}
}

// revoking gives what an answer to an invitation means for a revocation: the status counts as for a getlink, and no
// invitation is a word about a revocation.
func (tc answerCase) revoking(status int) verdict {
	want := tc.getlink
	want.Run = tc.run
	switch {
	case status/100 == 2:
		want = isAgain
		want.Run = "fails, stops if first"
	case status == http.StatusConflict && tc.getlink == isBefore:
		want = isRejected
		want.Run = "goes on"
	}
	return want
}

func TestRevoke_statusesMeanWhatTheyMeanForALink(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range answers {
		for _, status := range tc.statuses {
			got := take(c, tc.respond(status), revocation(Revocation{ReportID: "7"}))
			if diff := cmp.Diff(tc.revoking(status), verdictOf(got)); diff != "" {
				t.Errorf("%s, %d (-want +got):\n%s", tc.name, status, diff)
			}
			checkSound(t, got)
		}
	}
}

func TestRevoke_keepsTheKeyOutOfWords(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, body := range []string{
		`{"status":"` + strings.ReplaceAll(canary, `"`, `\"`) + `"}`,
		`{"message":"key ` + strings.ReplaceAll(canary, `"`, `\"`) + ` revoked"}`,
		"REVOKED " + canary,
	} {
		for _, status := range []int{200, 302, 400, 401, 403, 500} {
			resp := respond(status, http.Header{"Location": {"https://x.example/?k=" + canary}}, body)
			if got := everything(take(c, resp, revocation(Revocation{ReportID: "7"}))); c.secret.MatchString(got) {
				t.Errorf("the key is in %q", got)
			}
		}
	}
}

func TestRevoke_brokenBodyLeavesOnlyTheStatus(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for status, want := range map[int]verdict{200: isAgain, 400: isRejected, 401: isRefused, 403: isRefused, 429: isLater, 500: isAgain} {
		body := io.MultiReader(strings.NewReader(`{"status":"REVOKED"}`), brokenReader{})
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
		got := take(c, resp, revocation(Revocation{ReportID: "7"}))
		if diff := cmp.Diff(want, withoutRun(verdictOf(got))); diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
	}
}
