package sqlite

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
)

func candidate(i int) invite.Candidate {
	email := fmt.Sprintf("first.last%d@example.org", i*2654435761%1_000_000_007) // not in the order of the key
	return invite.Candidate{Key: invite.Key{Campaign: "default", Assessment: 4711, Email: email}, Name: "Ann Example",
		Email: email, Format: invite.SendLink, Origin: invite.Origin{Line: i + 2}}
}

func BenchmarkLedger_claimAndRecord(b *testing.B) {
	l := mustOpen(b, newPath(b), Options{Mode: Create})
	run, err := l.Start(b.Context(), ledger.Run{})
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		workers.Go(func() {
			for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
				claim, err := l.Claim(b.Context(), run, candidate(i), "", invite.Policy{})
				if err == nil {
					_, err = l.Record(b.Context(), claim, invite.Outcome{State: invite.Invited, CandidateID: "123456",
						ReportID: "654321", APIStatus: "SENT", Link: "https://app.example/i/0123456789abcdef"})
				}
				if err != nil {
					b.Errorf("row %d: %v", i, err)
					return
				}
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	mustClose(b, l)
	info, err := os.Stat(l.path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "B/row")
}

func BenchmarkLedger_lookup(b *testing.B) {
	const known = 20_000
	l := mustOpen(b, newPath(b), Options{Mode: Create})
	run, err := l.Start(b.Context(), ledger.Run{})
	if err != nil {
		b.Fatal(err)
	}
	var workers sync.WaitGroup
	for w := range 64 {
		workers.Go(func() {
			for i := w; i < known; i += 64 {
				if _, err := l.Claim(b.Context(), run, candidate(i), "", invite.Policy{}); err != nil {
					b.Errorf("row %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
	keys := make([]invite.Key, 512)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for i := range keys {
			keys[i] = candidate((n*len(keys) + i) % (2 * known)).Key // half of them unknown
		}
		if _, err := l.Lookup(b.Context(), keys); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(keys)), "µs/key")
}
