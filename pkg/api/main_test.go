package api

import (
	"io"
	"log"
	"testing"
	"time"

	"go.uber.org/goleak"

	"batchinvite/pkg/invite"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http logs answers that nobody asked for
	goleak.VerifyTestMain(m)
}

// canary is long enough to be known as a secret wherever it stands, and has characters that are escaped in places.
const canary = `k3y/With"odd&chars+0123456789`

func newClient(t testing.TB, baseURL string) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: baseURL, Key: canary, KeyHeader: "apiKey", Timeout: 30 * time.Second, Workers: 4, UserAgent: "test/1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func candidate(f invite.Format) invite.Candidate {
	return invite.Candidate{
		Key:    invite.Key{Campaign: "default", Assessment: 4711, Email: "ann@example.org"},
		Name:   "Ann Lee",
		Email:  "Ann@Example.org",
		Format: f,
	}
}

var formats = []invite.Format{invite.GetLink, invite.SendLink}

const goodBody = `{"email":"ann@example.org","report_id":7,"candidate_id":"c-9","assessment_id":4711,` +
	`"invite_link":"https://vendor.example/t/abc","name":"Ann Lee","status":"INVITED"}`
