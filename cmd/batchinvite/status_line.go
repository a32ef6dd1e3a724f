package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"batchinvite/pkg/invite"
	"batchinvite/pkg/pace"
	"batchinvite/pkg/pipeline"
)

// Off a terminal a line is due every tenth of the rows, or after this time.
const lineEvery = 5 * time.Minute

const redraw = 200 * time.Millisecond

// watcher shows how far a run is: as a status line at a terminal, as thin log lines elsewhere.
type watcher struct {
	ui       *ui
	log      zerolog.Logger
	progress *pipeline.Progress
	pace     *pace.Limiter
	gate     *pipeline.Gate
	rows     int
	calls    int // that the plan foresees
	bar      bool

	began      time.Time
	speed      float64 // calls per second, a moving average
	lastCalls  int
	lastLook   time.Time
	tenths     int
	lastLine   time.Time
	toldPauses time.Time  // the pause that was logged last
	toldPace   pace.Stats // and the slowing down
}

// watch returns when ctx is done.
func (w *watcher) watch(ctx context.Context) {
	w.began = time.Now()
	w.lastLook, w.lastLine, w.toldPace = w.began, w.began, pace.Stats{Factor: 1}
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	defer w.ui.setStatus("")
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			t := w.progress.Totals()
			w.logPause()
			w.logPace()
			if w.bar {
				w.ui.setStatus(w.line(now, t))
			} else {
				w.logLine(now, t)
			}
		}
	}
}

// paused tells until when and why no calls are made: the vendor asks for it, or is down.
func (w *watcher) paused() (until time.Time, why string) {
	if until, why = w.pace.Paused(); until.IsZero() {
		return w.gate.Down()
	}
	return until, why
}

// logPause tells of each pause once.
func (w *watcher) logPause() {
	until, why := w.paused()
	if !until.IsZero() && !until.Equal(w.toldPauses) {
		w.toldPauses = until
		w.log.Warn().Str("reason", why).Time("until", until.UTC()).Msg("paused")
	}
}

// logPace tells when the pace comes to be under the one stated, or lower than it was when that was told.
func (w *watcher) logPace() {
	p := w.pace.Stats()
	if p.Factor > 0.995 && !p.Serial {
		w.toldPace = pace.Stats{Factor: 1}
	}
	if p.Factor < w.toldPace.Factor || p.Serial && !w.toldPace.Serial || len(p.Learned) > len(w.toldPace.Learned) {
		w.log.Warn().Float64("factor", p.Factor).Bool("serial", p.Serial).Int("refused", p.Refused).Str("pace", slowed(p)).Msg("slowed down")
		w.toldPace = p
	}
}

func (w *watcher) logLine(now time.Time, t pipeline.Totals) {
	tenths := 10 * t.Rows / max(w.rows, 1)
	if tenths == w.tenths && now.Sub(w.lastLine) < lineEvery {
		return
	}
	w.tenths, w.lastLine = tenths, now
	e := w.log.Info().Int("rows", t.Rows).Int("of", w.rows).Int("calls", t.Calls)
	for _, s := range invite.Statuses {
		if n := t.Counts[s]; n > 0 {
			e = e.Int(string(s), n)
		}
	}
	e.Msg("progress")
}

// line is "[######....] 1234/3000 rows, 1.9 calls/s, 15m left, 3 rejected, paused 42 s: 429".
func (w *watcher) line(now time.Time, t pipeline.Totals) string {
	const width = 20
	full := width * t.Rows / max(w.rows, 1)
	parts := []string{fmt.Sprintf("[%s%s] %d/%d rows", strings.Repeat("#", full), strings.Repeat(".", width-full), t.Rows, w.rows)}
	if passed := now.Sub(w.lastLook); passed >= time.Second {
		current := float64(t.Calls-w.lastCalls) / passed.Seconds()
		if w.speed == 0 {
			w.speed = current
		}
		w.speed += 0.2 * (current - w.speed)
		w.lastLook, w.lastCalls = now, t.Calls
	}
	if w.speed > 0 {
		left := time.Duration(float64(max(w.calls-t.Calls, 0)) / w.speed * float64(time.Second))
		parts = append(parts, fmt.Sprintf("%.1f calls/s, %s left", w.speed, short(left)))
	}
	for _, s := range invite.Statuses[3:] {
		if n := t.Counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if slow := slowed(w.pace.Stats()); slow != "" {
		parts = append(parts, slow)
	}
	if until, why := w.paused(); !until.IsZero() {
		parts = append(parts, fmt.Sprintf("paused %s: %s", short(max(0, until.Sub(now))), why))
	}
	return strings.Join(parts, ", ")
}

// short gives a duration with the precision that a person wants of it.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return trimZeros(d.Round(time.Second).String())
	case d < 48*time.Hour:
		return trimZeros(d.Round(time.Minute).String())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

func trimZeros(s string) string {
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
