package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

func TestRequest_isRefusedForItsBody(t *testing.T) {
	s, c := start(t, sandbox.Config{})
	replace := func(old, new string) string {
		if !strings.Contains(ann, old) {
			t.Fatalf("%q is not in the body", old)
		}
		return strings.Replace(ann, old, new, 1)
	}
	for _, tt := range []struct{ body, reason string }{
		{"", "body must be exactly one JSON object"},
		{"[]", "body must be exactly one JSON object"},
		{"null", "body must be exactly one JSON object"},
		{"{", "body must be exactly one JSON object"},
		{ann + ann, "body must be exactly one JSON object"},
		{ann + "x", "body must be exactly one JSON object"},
		{replace("Ann", "\xff"), "body must be exactly one JSON object"},
		{replace("{", `{"invite_format":"getlink",`), "invite_format is given twice"},
		{replace("{", `{"expiry":"x",`), "expiry is not a known field"},
		{replace("candidate_name", "Candidate_Name"), "candidate_name is missing"},
		{replace(`"Ann"`, `{"first":"Ann"}`), "candidate_name must not be an object or a list"},
		{replace(`"Ann"`, `7`), "candidate_name must be a string"},
		{replace(`"Ann"`, `null`), "candidate_name must be a string"},
		{replace(`"Ann"`, `" "`), "candidate_name is empty"},
		{replace(`"candidate_email":"Ann@Example.org",`, ``), "candidate_email is missing"},
		{replace(`"Ann@Example.org"`, `""`), "candidate_email is empty"},
		{replace(`"assessment_id":4711,`, ``), "assessment_id is missing"},
		{replace(`4711`, `"4711"`), "assessment_id must be a positive integer number"},
		{replace(`4711`, `4711.0`), "assessment_id must be a positive integer number"},
		{replace(`4711`, `4e3`), "assessment_id must be a positive integer number"},
		{replace(`4711`, `0`), "assessment_id must be a positive integer number"},
		{replace(`4711`, `92233720368547758070`), "assessment_id must be a positive integer number"},
		{replace(`4711`, `true`), "assessment_id must be a positive integer number"},
		{replace(`"invite_format":"sendlink",`, ``), "invite_format is missing"},
		{replace(`sendlink`, `SendLink`), "invite_format must be getlink or sendlink"},
		{replace(`"2030-12-31 18:30"`, `""`), "expiry_date is empty"},
		{replace(`"2030-12-31 18:30"`, `null`), "expiry_date must be a string"},
		{replace(`2030-12-31 18:30`, `2030-12-31`), "expiry_date must be YYYY-MM-DD HH:MM"},
		{replace(`2030-12-31 18:30`, `2030-12-31 8:30`), "expiry_date must be YYYY-MM-DD HH:MM"},
		{replace(`2030-12-31 18:30`, `2030-02-30 18:30`), "expiry_date must be YYYY-MM-DD HH:MM"},
		{replace(`2030-12-31 18:30`, `2030-12-31T18:30`), "expiry_date must be YYYY-MM-DD HH:MM"},
	} {
		c.want(tt.body, 400, `{"error":"`+tt.reason+`"}`)
	}
	c.want(replace("Ann", strings.Repeat("n", 64<<10)), 413, `{"error":"body is larger than 65536 bytes"}`)
	if s.Invitations() != 0 || len(s.Tallies()) != 0 {
		t.Errorf("got %d invitations, tallies %v; want none", s.Invitations(), s.Tallies())
	}
}

func TestRequest_isRefusedBeforeItsBody(t *testing.T) {
	s, c := start(t, sandbox.Config{APIKey: "right", KeyHeader: "X-Key"})
	for _, tt := range []struct {
		name, method, path, key, contentType string
		status                               int
		answer                               string
	}{
		{"wrong path", "POST", "/api/v2/assessment/invite", "right", "application/json", 404, `{"error":"not found"}`},
		{"path goes on", "POST", "/assessments/invite/revoked", "right", "application/json", 404, `{"error":"not found"}`},
		{"wrong method", "GET", "/assessments/invite", "right", "application/json", 405, `{"error":"method not allowed, use POST"}`},
		{"no key", "POST", "/assessments/invite", "", "application/json", 401, `{"error":"header X-Key is missing"}`},
		{"wrong key", "POST", "/assessments/invite", "left", "application/json", 401, `{"error":"header X-Key has no valid key"}`},
		{"no content type", "POST", "/assessments/invite", "right", "", 415, `{"error":"content type must be application/json"}`},
		{"wrong content type", "POST", "/assessments/invite", "right", "text/json", 415, `{"error":"content type must be application/json"}`},
		{"at root", "POST", "/assessments/invite", "right", "application/json; charset=utf-8", 200, ""},
		{"under a prefix", "POST", "/any/prefix/assessments/invite", "right", "application/json", 200, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, strings.TrimSuffix(c.base, "/api/v2")+tt.path, strings.NewReader(ann))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Key", tt.key)
		req.Header.Set("Content-Type", tt.contentType)
		status, header, answer, err := c.send(req)
		if err != nil || status != tt.status || tt.answer != "" && answer != tt.answer {
			t.Errorf("%s: got %d %s, %v; want %d %s", tt.name, status, answer, err, tt.status, tt.answer)
		}
		if status == 405 && header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow: got %q, want POST", tt.name, header.Get("Allow"))
		}
	}
	if s.Calls() != 9 || s.Invitations() != 2 {
		t.Errorf("got %d calls, %d invitations; want 9 and 2", s.Calls(), s.Invitations())
	}
}
