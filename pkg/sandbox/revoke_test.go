package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

// invited makes an invitation and gives its report id.
func (c *client) invited(body string) int64 {
	c.t.Helper()
	status, _, answer, err := c.do(body)
	var report struct {
		ID int64 `json:"report_id"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(answer), &report)
	}
	if err != nil || status != http.StatusOK || report.ID == 0 {
		c.t.Fatalf("invite: got %d %s, %v; want a report id", status, answer, err)
	}
	return report.ID
}

func (c *client) wantRevoke(body string, status int, answer string) {
	c.t.Helper()
	gotStatus, _, got, err := c.post("/assessments/invite/revoke", body)
	if err != nil || gotStatus != status || got != answer {
		c.t.Errorf("answer to %s: got %d %s, %v; want %d %s", body, gotStatus, got, err, status, answer)
	}
}

func of(report int64) string { return fmt.Sprintf(`{"report_id":%d}`, report) }

func TestRevoke_takesAnInvitationBackOnce(t *testing.T) {
	for _, countsOnly := range []bool{false, true} {
		s, c := start(t, sandbox.Config{Seed: 3, CountsOnly: countsOnly})
		before, second := c.invited(ann), c.invited(ann)
		c.wantRevoke(of(second), 200, `{"status":"REVOKED"}`)
		after := c.invited(body("bob@example.org"))
		for _, report := range []int64{before, after} {
			c.wantRevoke(fmt.Sprintf(`{"report_id":%d,"notify_candidate":true}`, report), 200, `{"status":"REVOKED"}`)
		}
		c.wantRevoke(of(second), 200, `{"status":"ALREADY_REVOKED"}`)
		c.wantRevoke(of(second+1), 404, `{"error":"report_id is not known"}`)
		if s.Invitations() != 3 || s.Revocations() != 3 || s.Calls() != 8 {
			t.Errorf("got %d invitations, %d revocations, %d calls; want 3, 3, 8", s.Invitations(), s.Revocations(), s.Calls())
		}
		want := map[sandbox.Key]sandbox.Tally{
			annKey: {Attempts: 2, Mails: 2, Revoked: 2},
			{Assessment: 1, Email: "bob@example.org"}: {Attempts: 1, Links: 1, Revoked: 1},
		}
		if diff := cmp.Diff(want, s.Tallies()); diff != "" {
			t.Errorf("counts only %v: tallies (-want +got):\n%s", countsOnly, diff)
		}
	}
}

func TestRevoke_isRefused(t *testing.T) {
	s, c := start(t, sandbox.Config{})
	report := c.invited(ann)
	known := strconv.FormatInt(report, 10)
	for body, reason := range map[string]string{
		"":                              "body must be exactly one JSON object",
		"{}":                            "report_id is missing",
		`{"report_id":"` + known + `"}`: "report_id must be a positive integer number",
		`{"report_id":` + known + `.0}`: "report_id must be a positive integer number",
		`{"report_id":null}`:            "report_id must be a positive integer number",
		`{"report_id":-1}`:              "report_id must be a positive integer number",
		`{"report_id":[` + known + `]}`: "report_id must not be an object or a list",
		`{"report_id":` + known + `,"notify_candidate":"yes"}`:   "notify_candidate must be true or false",
		`{"report_id":` + known + `,"notify_candidate":null}`:    "notify_candidate must be true or false",
		`{"report_id":` + known + `,"candidate_email":"a@x.de"}`: "candidate_email is not a known field",
	} {
		c.wantRevoke(body, 400, `{"error":"`+reason+`"}`)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/assessments/invite/revoke", strings.NewReader(of(report)))
	if err != nil {
		t.Fatal(err)
	}
	if status, _, answer, err := c.send(req); status != 401 || answer != `{"error":"header apiKey is missing"}` {
		t.Errorf("without a key: got %d %s, %v; want 401", status, answer, err)
	}
	if s.Revocations() != 0 {
		t.Errorf("got %d revocations, want 0", s.Revocations())
	}
}

// Scripts tell revocations by their keys, whose attempts are counted apart.
func TestRevoke_hasFaultsToo(t *testing.T) {
	for _, tt := range []struct {
		kind   sandbox.Kind
		status int
		answer string
		acts   bool
	}{
		{sandbox.ErrorBefore, 500, `{"error":"sandbox fault 500-before"}`, false},
		{sandbox.ErrorAfter, 500, `{"error":"sandbox fault 500-after"}`, true},
		{sandbox.Throttled, 429, `{"error":"sandbox fault 429"}`, false},
		{sandbox.NotAllowed, 200, `{"status":"NOT_ALLOWED"}`, false},
		{sandbox.ErrorRevoking, 200, `{"status":"ERROR_REVOKING"}`, false},
		{"403", 403, `{"error":"sandbox fault 403"}`, false},
		{sandbox.HTML, 200, "<!DOCTYPE html>\n<title>Please wait</title>\n<p>One moment please.</p>\n", true},
	} {
		s, c := start(t, sandbox.Config{Script: func(k sandbox.Key, attempt int) sandbox.Fault {
			if k.Assessment == 4711 && k.Email == "ann@example.org" && k.Report != 0 && attempt == 1 {
				return sandbox.Fault{Kind: tt.kind}
			}
			return sandbox.Fault{}
		}})
		report := c.invited(ann)
		c.wantRevoke(of(report), tt.status, tt.answer)
		want, second := 0, "REVOKED"
		if tt.acts {
			want, second = 1, "ALREADY_REVOKED"
		}
		if got := s.Revocations(); got != want {
			t.Errorf("%s: got %d revocations, want %d", tt.kind, got, want)
		}
		c.wantRevoke(of(report), 200, `{"status":"`+second+`"}`)
	}
}

func TestRevoke_wordsDoNotBefallInvitations(t *testing.T) {
	plan, err := sandbox.ParsePlan("not-allowed=0.5,error-revoking=0.5")
	if err != nil {
		t.Fatal(err)
	}
	s, c := start(t, sandbox.Config{Plan: plan})
	report := c.invited(ann)
	_, _, answer, _ := c.post("/assessments/invite/revoke", of(report))
	if answer != `{"status":"NOT_ALLOWED"}` && answer != `{"status":"ERROR_REVOKING"}` {
		t.Errorf("got %s, want a word of the plan's", answer)
	}
	if got := s.Log()[0].Fault; got != "" {
		t.Errorf("fault of the invitation: got %q, want none", got)
	}
}

func TestRevoke_isInTheLog(t *testing.T) {
	s, c := start(t, sandbox.Config{})
	report := c.invited(ann)
	c.wantRevoke(fmt.Sprintf(`{"report_id":%d,"notify_candidate":true}`, report), 200, `{"status":"REVOKED"}`)
	c.wantRevoke(of(1), 404, `{"error":"report_id is not known"}`)
	var got []string
	for _, call := range s.Log()[1:] {
		line, err := json.Marshal(call)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(line), "Z\",")
		got = append(got, rest)
	}
	want := []string{
		fmt.Sprintf(`"assessment_id":4711,"email":"ann@example.org","attempt":1,"acted":false,"status":200,"report_id":%d,"notify_candidate":true,"word":"REVOKED"}`, report),
		`"acted":false,"status":404,"error":"report_id is not known","report_id":1}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := s.Links(); len(got) != 1 {
		t.Errorf("links: got %q, want that of the invitation", got)
	}
}
