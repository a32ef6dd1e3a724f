package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"batchinvite/pkg/sandbox"
)

// What a server sends unasked is of no use to anybody, and may be the API key (invariant 12).
func TestRun_unaskedAnswersAreNotShown(t *testing.T) {
	w := newWorld(t, sandbox.Config{APIKey: "k-1"})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		w.vendor.ServeHTTP(answer, r)
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		var b bytes.Buffer
		if err := answer.Result().Write(&b); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(&b, "your key is %s", r.Header.Get("apiKey"))
		io.Copy(conn, &b)
		io.Copy(io.Discard, conn)
	}))
	defer server.Close()
	w.url = server.URL
	w.write("c.csv", people(20, "getlink"))
	_, stdout, stderr := w.run("run", "c.csv", "--workers", "1")
	if w.vendor.Invitations() < 20 {
		t.Errorf("%d invitations, want 20\n%s", w.vendor.Invitations(), stderr)
	}
	if strings.Contains(stdout+stderr, "your key is") {
		t.Errorf("the program says:\n%s%s", stdout, stderr)
	}
}
