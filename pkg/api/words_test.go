package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"batchinvite/pkg/invite"
)

func respond(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestSentence(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	gzip := http.Header{"Content-Encoding": {"gzip"}}
	php := http.Header{"Content-Type": {"text/html; charset=UTF-8"}}
	for _, tc := range []struct {
		format invite.Format
		resp   *http.Response
		want   string
	}{
		{invite.GetLink, respond(200, nil, goodBody), ""},
		{invite.GetLink, respond(422, nil, `{"error":"assessment is archived"}`), "rejected by the vendor (422): assessment is archived"},
		{invite.GetLink, respond(422, nil, `{"email":"ann@example.org","candidate_id":4,"error":"no"}`), "rejected by the vendor (422): no"},
		{invite.GetLink, respond(403, nil, `{"message":"Invites Exhausted. Please contact support.","error":"limit_exceed"}`), "refused by the vendor (403): Invites Exhausted. Please contact support. (limit_exceed)"},
		{invite.GetLink, respond(400, nil, `{"message":"ann@example.org is taken, ask <bob.b@x.de>!"}`), "rejected by the vendor (400): a***@example.org is taken, ask <b***@x.de>!"},
		{invite.GetLink, respond(400, nil, `{"error":{"code":1}}`), `rejected by the vendor (400): {"error":{"code":1}}`},
		{invite.GetLink, respond(400, nil, ""), "rejected by the vendor (400)"},
		{invite.GetLink, respond(400, nil, " {} "), "rejected by the vendor (400)"},
		{invite.GetLink, respond(400, nil, "a\x00b\u202ec\u200bd\x1b[31m\r\n\t e\xff"), "rejected by the vendor (400): abcd[31m e\uFFFD"},
		{invite.GetLink, respond(400, nil, strings.Repeat("é", 300)), "rejected by the vendor (400): " + strings.Repeat("é", 199) + "…"},
		{invite.GetLink, respond(400, php, "name is missing"), "rejected by the vendor (400): name is missing"},
		{invite.GetLink, respond(400, php, "<b>Fatal</b>"), "rejected by the vendor (400): an HTML page"},
		{invite.GetLink, respond(307, http.Header{"Location": {"https://other.example/x"}}, "moved"), "refused by the vendor (307): redirect to https://other.example/x"},
		{invite.GetLink, respond(500, nil, "oops"), "a link may already have been made: the vendor answered 500: oops"},
		{invite.SendLink, respond(502, nil, "\n<HTML><head><TITLE>\n502 Bad &amp; Gateway</TITLE>"), `may already be e-mailed: the vendor answered 502: an HTML page "502 Bad & Gateway"`},
		{invite.SendLink, respond(500, gzip, "\x1f\x8b"), "may already be e-mailed: the vendor answered 500: compressed data"},
		{invite.SendLink, respond(200, nil, "<!DOCTYPE html><p>"), "may already be e-mailed: the vendor answered 200: the answer is not JSON: an HTML page"},
		{invite.SendLink, respond(200, nil, strings.Replace(goodBody, "ann@", "bob@", 1)), "may already be e-mailed: the vendor answered 200: the answer names another e-mail address: " +
			`{"email":"b***@example.org","report_id":7,"candidate_id":"c-9","assessment_id":4711,"invite_link":"https://vendor.example/t/abc","name":"Ann Lee","status":"INVITED"}`},
		{invite.SendLink, respond(202, nil, goodBody), "may already be e-mailed: the vendor answered 202"},
		{invite.SendLink, respond(200, nil, `{"message":"queued"}`), "may already be e-mailed: the vendor answered 200: the answer names no e-mail address: queued"},
		{invite.GetLink, respond(200, nil, `{"email":"ann@example.org","report_id":7}`), "a link may already have been made: the vendor answered 200: the answer has no link"},
		{invite.SendLink, respond(200, nil, strings.Repeat("x", maxBody+1)), "may already be e-mailed: the vendor answered 200: the answer is larger than 1 MiB"},
	} {
		got := take(c, tc.resp, c.invitation(candidate(tc.format), "")).Outcome.Error
		if got != tc.want {
			t.Errorf("%d, %s:\n got %q\nwant %q", tc.resp.StatusCode, tc.format, got, tc.want)
		}
	}
}

func TestStop_reasons(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, tc := range []struct {
		resp *http.Response
		want string
	}{
		{respond(401, nil, `{"error":"unknown key"}`), "the API key is refused (401): unknown key"},
		{respond(402, nil, ""), "the account's invites are used up (402)"},
		{respond(403, nil, `{"message":"Invites Exhausted.","error":"limit_exceed"}`), "the account's invites are used up (403): Invites Exhausted. (limit_exceed)"},
		{respond(301, http.Header{"Location": {"https://www.vendor.example/"}}, ""), "the base URL leads elsewhere (301): redirect to https://www.vendor.example/"},
		{respond(200, nil, "<html><title>Sign in</title>"), `this does not look like the vendor's API (200): the answer is not JSON: an HTML page "Sign in"`},
		{respond(304, nil, ""), "this does not look like the vendor's API (304)"},
	} {
		a := take(c, tc.resp, c.invitation(candidate(invite.SendLink), ""))
		got := a.Stop
		if got == nil {
			got = a.StopIfFirst
		}
		if got == nil || got.Reason != tc.want {
			t.Errorf("%d: got %v, want %q", tc.resp.StatusCode, got, tc.want)
		}
	}
}

func TestAnswer_carriesTheInvitation(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	for _, status := range []int{200, 409} {
		o := take(c, respond(status, nil, goodBody), c.invitation(candidate(invite.SendLink), "2030-01-02 03:04")).Outcome
		got := []string{o.Link, o.CandidateID, o.ReportID, o.APIStatus, o.Expires}
		want := []string{"https://vendor.example/t/abc", "c-9", "7", "INVITED", "2030-01-02 03:04"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
	big := strings.Replace(goodBody, `:7`, `:12345678901234567890`, 1)
	if got := take(c, respond(200, nil, big), c.invitation(candidate(invite.SendLink), "")).Outcome.ReportID; got != "12345678901234567890" {
		t.Errorf("a large id became %q", got)
	}
}

// everything is all that an answer could show to a person.
func everything(a invite.Answer) string {
	o := a.Outcome
	return fmt.Sprint(o.Error, o.Link, o.CandidateID, o.ReportID, o.APIStatus, a.Stop, a.StopIfFirst)
}

func TestKey_isNowhere(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	asJSON, _ := json.Marshal(canary)
	inJSON := strings.Trim(string(asJSON), `"`)
	slashed := strings.ReplaceAll(inJSON, "/", `\/`)
	quotes := strings.ReplaceAll(canary, `"`, `\"`)
	// Masked addresses shrink to less than is shown, so that the place where a long text is cut comes into view.
	address := strings.Repeat("x", 300) + "@y.de "
	room := maxLooked + 2*maxEscaped*len(canary) - 20
	long := strings.Repeat("x", room%len(address)) + strings.Repeat(address, room/len(address))
	bodies := []string{
		canary,
		long + canary,
		"wrong key " + canary + "!",
		strings.Repeat("x", maxWords-10) + canary,
		canary[:5] + "\u200b" + canary[5:],
		strings.ToUpper(canary),
		url.QueryEscape(canary),
		"<html><title>" + html.EscapeString(canary) + "</title>",
		"<html><title>" + canary + "</title>",
		`{"error":"` + inJSON + `"}`,
		`{"message":"` + slashed + `","error":"limit_exceed"}`,
		`{"detail":"` + slashed + `"}`,
		`{"detail":"` + quotes + `"}`,
		strings.Replace(goodBody, "INVITED", inJSON, 1),
		strings.Replace(goodBody, "c-9", inJSON, 1),
		strings.Replace(goodBody, "/abc", "/"+url.QueryEscape(canary), 1),
	}
	// The tail alone gives a cut or badly masked key away, too.
	leaked := func(s string) bool {
		s = strings.ToLower(s)
		return strings.Contains(s, "0123456789") || strings.Contains(s, "k3y")
	}
	for _, body := range bodies {
		for _, status := range []int{200, 202, 301, 401, 403, 409, 422, 429, 500} {
			for _, f := range formats {
				h := http.Header{"Location": {"https://other.example/?" + url.QueryEscape(canary)}}
				a := take(c, respond(status, h, body), c.invitation(candidate(f), ""))
				if s := everything(a); leaked(s) {
					t.Errorf("%d %s: the key is in %q", status, f, s)
				}
			}
		}
	}
	cut := io.MultiReader(strings.NewReader("bad key "+canary[:len(canary)-1]), brokenReader{})
	a := take(c, &http.Response{StatusCode: 401, Header: http.Header{}, Body: io.NopCloser(cut)}, c.invitation(candidate(invite.GetLink), ""))
	if s := everything(a); leaked(s) {
		t.Errorf("a body that breaks off: part of the key is in %q", s)
	}
	if !leaked(canary) || leaked(base64.StdEncoding.EncodeToString([]byte("harmless"))) {
		t.Error("the check itself does not tell a leak from none")
	}
}

// A short key is taken out of sentences, but must not spoil ids in which it stands by accident.
func TestKey_shortOneLeavesDataAlone(t *testing.T) {
	o := options()
	o.Key = "7"
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	got := take(c, respond(200, nil, goodBody), c.invitation(candidate(invite.GetLink), "")).Outcome
	if got.ReportID != "7" || got.State != invite.Invited {
		t.Errorf("got %+v, want report 7", got)
	}
	if got := take(c, respond(400, nil, "key 7"), c.invitation(candidate(invite.GetLink), "")).Outcome.Error; got != "rejected by the vendor (400): key [API key]" {
		t.Errorf("got %q", got)
	}
}

func TestQuote_isAlwaysFitToShow(t *testing.T) {
	c := newClient(t, "https://vendor.example")
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{canary, "zoe.secret@mail.example", "\x00", "\u200b", "\n"}))).Draw(t, "parts")
		got := c.quote(strings.Join(parts, " "))
		switch {
		case utf8.RuneCountInString(got) > maxWords:
			t.Fatalf("%d characters", utf8.RuneCountInString(got))
		case strings.Contains(got, canary):
			t.Fatalf("the key is in %q", got)
		case strings.Contains(got, "oe.secret"):
			t.Fatalf("an address is in %q", got)
		case strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Fatalf("%q has characters that do not print", got)
		}
	})
}
