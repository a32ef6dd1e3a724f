package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"batchinvite/pkg/sandbox"
)

// canary is an API key that can be recognised wherever it comes out (invariant 12).
const canary = "canary-7f3a-Zq9-secret"

// tattler is a vendor that says the key again in whatever way it can.
func tattler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		key := r.Header.Get("apiKey") // as servers read it, whatever its case
		switch m := regexp.MustCompile(`p(\d+)@`).FindSubmatch(body); {
		case m == nil:
			next.ServeHTTP(w, r)
		case m[1][len(m[1])-1] == '1':
			w.WriteHeader(422)
			fmt.Fprintf(w, `{"error":"no such thing as %s","message":"apiKey: %s"}`, key, strings.ToUpper(key))
		case m[1][len(m[1])-1] == '2':
			w.WriteHeader(500)
			fmt.Fprintf(w, "<html>%s<pre>apiKey: %s\n%s</pre>", strings.Repeat("x", 180), key, base64.StdEncoding.EncodeToString([]byte(key)))
		case m[1][len(m[1])-1] == '3':
			fmt.Fprintf(w, `{"email":%q,"invite_link":"https://vendor.invalid/?k=%s","status":%q,"candidate_id":%q}`, m[0], key, key, key)
		case m[1][len(m[1])-1] == '4':
			fmt.Fprintf(w, `{"email":"p%s@example.org","invite_link":"https://vendor.invalid/t","status":%q,"candidate_id":%q}`, m[1], key, key)
		case m[1][len(m[1])-1] == '5':
			w.Header().Set("Content-Length", "1000")
			fmt.Fprintf(w, `{"error":"%s`, key)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// wantNoCanary looks into everything that the program left behind or said.
func (w *world) wantNoCanary(said ...string) {
	w.t.Helper()
	looks := func(text, where string) {
		for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))} {
			if i := strings.Index(strings.ToLower(text), strings.ToLower(form)); i >= 0 {
				w.t.Errorf("the API key is in %s: …%q…", where, text[max(0, i-40):min(len(text), i+len(form)+20)])
			}
		}
	}
	for _, text := range said {
		looks(text, "what the program said")
	}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "api_key" {
			return err
		}
		text, err := os.ReadFile(path)
		looks(string(text), path)
		if info, infoErr := d.Info(); infoErr == nil && info.Mode().Perm()&0o077 != 0 {
			w.t.Errorf("%s has mode %v, want nobody else to read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

// keyed runs a command with the canary, from its file.
func (w *world) keyed(args ...string) *running {
	cmd := w.command(append(args, "--api-key-file", "api_key", "--log-level", "debug", "--log-format", "json")...)
	cmd.Env = append(cmd.Env, "BATCHINVITE_API_KEY=")
	return w.begin(cmd)
}

func TestCanary_theKeyComesOutNowhere(t *testing.T) {
	t.Parallel()
	g := newGate()
	w := newWorld(t, sandbox.Config{APIKey: canary, Script: g.script})
	server := httptest.NewServer(tattler(w.vendor))
	t.Cleanup(server.Close)
	w.url = server.URL + "/api/v2"
	w.write("api_key", canary+"\n")
	w.write("c.csv", people(40, "sendlink"))
	w.mustRun(0, "init")

	// A run that is alive, looked at from outside, and then made to dump all it has.
	p := w.keyed("run", "c.csv", "--yes", "--workers", "2")
	g.wait(t)
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.Process.Pid, file))
		if err != nil {
			t.Log(err) // not Linux
		}
		if strings.Contains(string(text), canary) {
			t.Errorf("the API key is in the %s of the process", file)
		}
	}
	if err := p.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, 2)
	if !strings.Contains(p.text(), "goroutine ") {
		t.Errorf("no dump of the goroutines:\n%s", p.text())
	}
	close(g.open)
	w.wantNoCanary(p.text())

	// Everything that the vendor can say.
	p = w.keyed("run", "c.csv", "--yes", "--max-failures", "100%", "--max-unknown", "100")
	p.wantExit(t, 4)
	if statuses := strings.Join(column(w.read("c.results.csv"), "invite_status"), " "); !strings.Contains(statuses, "rejected unknown unknown invited unknown") {
		t.Errorf("statuses %s: the vendor did not say what it should", statuses)
	}
	status, _ := w.mustRun(0, "status", "--show-emails")
	w.wantNoCanary(p.text(), status)
	if m := regexp.MustCompile(`p\d+@example\.org`).FindString(p.text()); m != "" {
		t.Errorf("%s stands unmasked in the log", m)
	}

	// Keys that can't be used, which tempts to show them.
	for _, bad := range []string{canary + "\x01", canary + "\n" + canary} {
		w.write("api_key", bad)
		p := w.keyed("run", "c.csv", "--yes")
		p.wantExit(t, 2)
		w.wantNoCanary(p.text())
	}
}
