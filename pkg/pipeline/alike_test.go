package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pipeline"
)

// recorded is what the ledger says of all rows.
func recorded(t *testing.T, pool *pipeline.Pool, rows []invite.Row) map[invite.State]int {
	t.Helper()
	states := map[invite.State]int{}
	for _, row := range rows {
		h, err := pool.Step.Ledger.Lookup(t.Context(), []invite.Key{row.Candidate.Key})
		if err != nil {
			t.Fatal(err)
		}
		if rec := h[0].Of(row.Candidate.Format); rec != nil {
			states[rec.Outcome.State]++
		}
	}
	return states
}

func TestAlike_theFirstFiveRefusedAlikeStopTheRunAndCountAsNotSent(t *testing.T) {
	for _, tt := range []struct {
		answer invite.Answer
		rows   int
		calls  int
		reason string
	}{
		{rejected(404), 50, 5, "the first 5 calls were all refused alike (wrong base URL or assessment?): rejected (404)"},
		{rejected(422), 50, 5, "the first 5 calls were all refused alike (is something wrong with all rows?): rejected (422)"},
		{rejected(405), 3, 3, "the first 3 calls were all refused alike (wrong base URL or assessment?): rejected (405)"},
		{forbidden(), 50, 5, "the first 5 calls were all refused alike (is the API key refused?): refused (403)"},
		{rejected(404), 1, 1, "the only call was refused (wrong base URL or assessment?): rejected (404)"},
	} {
		for _, workers := range []int{1, 16} {
			t.Run(fmt.Sprintf("%d of %d, %d workers", tt.answer.Status, tt.rows, workers), func(t *testing.T) {
				rows := listed(tt.rows, invite.SendLink)
				var pool *pipeline.Pool
				follow(t, rows, workers, func(p *pipeline.Pool) { pool = p },
					func(int, invite.Candidate, time.Duration) invite.Answer { return tt.answer },
					func(t *testing.T, v *course, out *sink, totals pipeline.Totals) {
						wantStop(t, totals, invite.StopPerson, tt.reason)
						if len(v.began) != tt.calls {
							t.Errorf("%d calls, want %d", len(v.began), tt.calls)
						}
						if totals.Counts[invite.StatusNotSent] != tt.rows {
							t.Errorf("%v, want all %d not sent", totals.Counts, tt.rows)
						}
						if got := recorded(t, pool, rows); got[invite.NotSent] != tt.calls || len(got) != 1 {
							t.Errorf("the ledger has %v, want %d not_sent alone", got, tt.calls)
						}
						first := out.results[0].Outcome.Error
						if tt.answer.Status != 403 && !strings.HasPrefix(first, "not sent: the ") {
							t.Errorf("the first row says %q", first)
						}
					})
			})
		}
	}
}

func TestAlike_oneOtherAnswerSettlesIt(t *testing.T) {
	for name, other := range map[string]invite.Answer{"a success": invited(), "another status": rejected(400)} {
		t.Run(name, func(t *testing.T) {
			rows := listed(30, invite.GetLink)
			var pool *pipeline.Pool
			follow(t, rows, 4, func(p *pipeline.Pool) { pool = p },
				func(n int, _ invite.Candidate, _ time.Duration) invite.Answer {
					if n == 5 {
						return other
					}
					return rejected(404)
				},
				func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
					want := 29
					if other.Outcome.State == invite.Rejected {
						want = 30
					}
					if len(totals.Stops) > 0 || totals.Counts[invite.StatusRejected] != want || recorded(t, pool, rows)[invite.Rejected] != want {
						t.Errorf("%v, stops %v, ledger %v, want %d rejected and no stop", totals.Counts, totals.Stops, recorded(t, pool, rows), want)
					}
				})
		})
	}
}

func TestAlike_aSuccessOnRecordMakesOldRejectsNoAlarm(t *testing.T) {
	follow(t, listed(30, invite.GetLink), 4, func(p *pipeline.Pool) { p.Step.Proven = true },
		func(int, invite.Candidate, time.Duration) invite.Answer { return rejected(404) },
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			if len(totals.Stops) > 0 || totals.Counts[invite.StatusRejected] != 30 {
				t.Errorf("%v, stops %v, want 30 rejected", totals.Counts, totals.Stops)
			}
		})
}

// The results are written in input order, so a row that waits must not hold back more than the window has room for.
func TestAlike_rowsThatWaitDoNotBlockTheReader(t *testing.T) {
	rows := listed(20_000, invite.GetLink)
	for i := range rows[1:] {
		if i < 19_990 {
			rows[i+1].Problem = &invite.Problem{Line: i + 3, Reason: "name is missing"}
		}
	}
	follow(t, rows, 4, asItIs,
		func(int, invite.Candidate, time.Duration) invite.Answer { return rejected(404) },
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			if totals.Counts[invite.StatusRejected] != 10 || totals.Counts[invite.StatusInvalid] != 19_990 {
				t.Errorf("%v, want 10 rejected: what can't be held back counts by itself", totals.Counts)
			}
		})
}

func TestAlike_aForbiddenAssessmentIsClosedAndTheThirdStopsTheRun(t *testing.T) {
	rows := listed(400, invite.GetLink)
	for i := range rows {
		rows[i].Candidate.Key.Assessment = int64(1 + i/100)
	}
	for _, closed := range []int64{1, 3} {
		t.Run(fmt.Sprintf("%d of 4", closed), func(t *testing.T) {
			follow(t, rows, 1, func(p *pipeline.Pool) { p.Step.Proven = true },
				func(_ int, c invite.Candidate, _ time.Duration) invite.Answer {
					if c.Key.Assessment <= closed {
						return forbidden()
					}
					return invited()
				},
				func(t *testing.T, v *course, out *sink, totals pipeline.Totals) {
					if got, want := out.results[50].Outcome.Error, "not sent: assessment 1 is closed for this run: refused (403)"; got != want {
						t.Errorf("a row of it says %q, want %q", got, want)
					}
					if closed == 1 && (len(v.began) != 301 || totals.Reached != 300 || len(totals.Stops) > 0) {
						t.Errorf("%d calls, %d invited, stops %v, want 301, 300 and none", len(v.began), totals.Reached, totals.Stops)
					}
					if closed == 3 {
						wantStop(t, totals, invite.StopPerson, "3 assessments are closed to this key: refused (403)")
						if len(v.began) != 3 {
							t.Errorf("%d calls, want 3", len(v.began))
						}
					}
				})
		})
	}
}

func TestStep_tooManyFailuresStopTheRun(t *testing.T) {
	limit := func(failed, called int) *invite.Stop {
		if called >= 50 && failed*5 > called {
			return &invite.Stop{Kind: invite.StopLater, Reason: "too many"}
		}
		return nil
	}
	follow(t, listed(400, invite.GetLink), 1, func(p *pipeline.Pool) { p.Step.TooMany, p.Step.Proven = limit, true },
		func(n int, _ invite.Candidate, _ time.Duration) invite.Answer {
			if n%2 == 0 {
				return rejected(422)
			}
			return invited()
		},
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			wantStop(t, totals, invite.StopLater, "too many")
			if len(v.began) != 50 {
				t.Errorf("%d calls, want to stop at the fiftieth", len(v.began))
			}
		})
}

// A pilot over a long file: the rows beyond the limit must not settle what its only call has to say.
func TestAlike_aPilotOverALongFile(t *testing.T) {
	follow(t, listed(20_000, invite.GetLink), 4, func(p *pipeline.Pool) { p.Limit = 1 },
		func(int, invite.Candidate, time.Duration) invite.Answer { return rejected(404) },
		func(t *testing.T, v *course, _ *sink, totals pipeline.Totals) {
			wantStop(t, totals, invite.StopPerson, "the only call was refused (wrong base URL or assessment?)")
			if totals.Counts[invite.StatusNotSent] != 20_000 || len(v.began) != 1 {
				t.Errorf("%v after %d calls, want all not sent after one", totals.Counts, len(v.began))
			}
		})
}
