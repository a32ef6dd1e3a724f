package main

import (
	"os/exec"
	"strings"
	"testing"
)

// sabotage breaks one guarantee on purpose. The tests named must notice.
type sabotage struct {
	name    string
	patches []patch
	pkg     string
	run     string
}

var claimAfterRequest = []patch{
	{"pkg/pipeline/step.go", "	start := time.Now()\n	a := s.Call(abort, c, expires)\n", ""},
	{"pkg/pipeline/step.go", "	claim, err := s.Ledger.Claim(context.WithoutCancel(abort), s.Run, c, expires, s.Policy)\n",
		"	start := time.Now()\n	a := s.Call(abort, c, expires)\n	claim, err := s.Ledger.Claim(context.WithoutCancel(abort), s.Run, c, expires, s.Policy)\n"},
}

var sabotages = []sabotage{
	{"the claim comes after the request", claimAfterRequest, "pkg/pipeline", "TestSimulation"},
	{"an unknown sendlink is tried again", []patch{
		{"pkg/invite/history.go", "		if c.Format == SendLink || own.Purged {\n", "		if own.Purged {\n"},
	}, "pkg/pipeline", "TestSimulation"},
	{"an ambiguous getlink is forgotten by the next refusal", []patch{
		{"pkg/pipeline/step.go", "	if claim.Prior == invite.Unknown &&", "	if claim.Fence < 0 && claim.Prior == invite.Unknown &&"},
	}, "pkg/pipeline", "TestSimulation"},
	{"an outage is not noticed", []patch{
		{"pkg/pipeline/gate.go", "	outageAfter = 5 ", "	outageAfter = 5000 "},
	}, "pkg/pipeline", "TestGate"},
	{"five refusals alike mean nothing", []patch{
		{"pkg/pipeline/alike.go", "	firstAlike = 5 ", "	firstAlike = 5000 "},
	}, "pkg/pipeline", "TestAlike"},

	{"a request may be sent again by itself", []patch{
		{"pkg/api/client.go", "			\"Content-Type\":    {\"application/json\"},\n", "			\"Content-Type\":    {\"application/json\"},\n			\"Idempotency-Key\": {\"1\"},\n"},
		{"pkg/api/client.go", "	return req.WithContext(ctx)\n",
			"	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }\n	return req.WithContext(ctx)\n"},
	}, "pkg/api", "TestInvite_isAtMostOneRequestOnTheWire|TestWire_|TestFaults_everyStatus"},
	{"redirects are followed", []patch{
		{"pkg/api/client.go", "	resp, err := c.transport.RoundTrip(c.request(", "	resp, err := (&http.Client{Transport: c.transport}).Do(c.request("},
	}, "pkg/api", "TestInvite_isAtMostOneRequestOnTheWire|TestWire_|TestFaults_everyStatus"},
	{"a sendlink is tried again after a timeout", []patch{
		{"pkg/api/table.go", "	{broke, 0, 0, again, unknown, fails, \"\"},\n", "	{broke, 0, 0, again, again, fails, \"\"},\n"},
	}, "pkg/api", "TestTable"},
	{"bytes that left are not counted", []patch{
		{"pkg/api/wire.go", "	c.sealed = true\n	return c.written > c.base\n", "	c.sealed = true\n	return false\n"},
	}, "pkg/api", "TestInvite_isAtMostOneRequestOnTheWire|TestWire_|TestFaults_everyStatus"},

	{"the fence is not checked", []patch{
		{"pkg/ledger/sqlite/record.sql", "AND run = ?6 AND fence = ?7", "AND ?6 = ?6 AND ?7 = ?7"},
	}, "pkg/ledger/sqlite", "TestLedger_|TestLock_|TestCrash_"},
	{"an outcome can be given up half-way", []patch{
		{"pkg/ledger/sqlite/claim.go", "l.committer.Settle(context.WithoutCancel(ctx), w)", "l.committer.Settle(ctx, w)"},
	}, "pkg/ledger/sqlite", "TestLedger_|TestLock_|TestCrash_"},
	{"recovery forgets the claims of dead runs", []patch{
		{"pkg/ledger/sqlite/orphan.sql", "SET state = 2, prior", "SET state = 5, prior"},
	}, "pkg/ledger/sqlite", "TestLedger_|TestLock_|TestCrash_"},
	{"usage is not counted with the claim", []patch{
		{"pkg/ledger/sqlite/claim.go", "		w.calls[claim.At.Unix()]++\n", ""},
	}, "pkg/ledger/sqlite", "TestLedger_|TestLock_|TestCrash_"},
	{"a dead run's claims count from their claim", []patch{
		{"pkg/ledger/sqlite/writer.go", "orphanUsageSQL, run, now.Unix()", "\"SELECT ?1, ?2\", run, now.Unix()"},
	}, "pkg/ledger/sqlite", "TestLedger_"},
	{"usage is not seeded", []patch{
		{"pkg/pace/limiter.go", "		l.seed(u, now)\n", "		_ = u\n"},
	}, "pkg/pace", "TestServers_all"},
	{"a window frees at the send", []patch{
		{"pkg/pace/window.go", "func (w *window) end(at, now time.Time) {\n", "func (w *window) end(at, now time.Time) {\n	at = at.Add(-time.Second)\n"},
	}, "pkg/pace", "TestServers_all"},
	{"the lock is not taken", []patch{
		{"pkg/ledger/sqlite/lock.go", "	locked, err := l.file.TryLockContext(wait, retryLock)\n", "	locked, err := true, error(nil)\n"},
	}, "pkg/ledger/sqlite", "TestLedger_|TestLock_|TestCrash_"},
	{"claims go on after a failed commit", []patch{
		{"pkg/ledger/committer.go", "	c.failed = cmp.Or(c.failed, err)\n", ""},
	}, "pkg/ledger", "TestCommitter_refusesEverything"},

	{"the key goes by the line", []patch{
		{"pkg/sheet/check.go", "	row.Candidate.Origin = origin\n", "	row.Candidate.Origin = origin\n	row.Candidate.Key.Email += string(rune('0' + rec.line))\n"},
	}, "pkg/sheet", "TestRows_giveTheCandidate"},
	{"results are written in place", []patch{
		{"pkg/results/file.go", "return path + \".partial\" }", "return path }"},
	}, "pkg/results", "TestCommit_"},
}

// TestSabotage shows that the tests can fail: each of these breaks a promise, and a suite must see it. The source stays
// as it is.
func TestSabotage(t *testing.T) {
	for _, s := range sabotages {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			list := overlay(t, s.patches...)
			build := exec.Command("go", "vet", "-overlay", list, "./"+s.pkg)
			build.Dir = "../.."
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("it does not even build: %v\n%s", err, out)
			}
			suite := exec.Command("go", "test", "-overlay", list, "-count=1", "-failfast", "-timeout", "5m", "-run", s.run, "./"+s.pkg)
			suite.Dir = "../.."
			out, err := suite.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL") {
				t.Errorf("%s -run %s does not notice: %v\n%s", s.pkg, s.run, err, out)
			}
		})
	}
}
