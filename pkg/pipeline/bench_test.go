package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/ledger"
	"batchinvite/pkg/ledger/sqlite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

// BenchmarkPool is what a row costs from the reader to the sink with a real ledger, when the vendor costs nothing.
func BenchmarkPool(b *testing.B) {
	led, err := sqlite.Open(b.Context(), b.TempDir()+"/ledger.db", "example.org/default", sqlite.Options{Mode: sqlite.Create})
	if err != nil {
		b.Fatal(err)
	}
	defer led.Close()
	run, err := led.Start(b.Context(), ledger.Run{Campaign: "default"})
	if err != nil {
		b.Fatal(err)
	}
	rows := func(yield func(invite.Row, error) bool) {
		for i := range b.N {
			if !yield(valid(i+2, fmt.Sprintf("p%d", i), invite.GetLink), nil) {
				return
			}
		}
	}
	answer := invited()
	pool := pipeline.Pool{
		Rows: rows, Repeats: pipeline.NewRepeats(0), Sink: discard{}, Workers: 32, Progress: &pipeline.Progress{},
		Step: &pipeline.Step{
			Ledger: led, Run: run, GiveUp: time.Minute, Gate: pipeline.NewGate(32, 10, time.Minute), Pace: pace.New([]pace.Rate{{Calls: 1_000_000_000, Per: time.Second}}, time.Minute),
			Call:   func(context.Context, invite.Candidate, string) invite.Answer { return answer },
			Jitter: pipeline.FullJitter,
			Called: func(invite.Candidate, invite.Answer, time.Duration) {},
			Lost:   func(invite.Candidate, invite.Outcome, error) {},
		},
	}
	b.ReportAllocs()
	b.ResetTimer()
	if totals, err := pool.Run(b.Context(), b.Context()); err != nil || totals.Reached != b.N {
		b.Fatalf("%+v, %v", totals, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// discard is a results file of no cost.
type discard struct{}

func (discard) Write(invite.Result) error { return nil }
func (discard) Flush() error              { return nil }
