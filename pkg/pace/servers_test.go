package pace

import "time"

// server is one of the usual ways in which vendors limit the rate. It counts the calls that it takes.
type server interface {
	take(now time.Time) bool
	// retryAfter is how long it is until one more would be taken.
	retryAfter(now time.Time) time.Duration
}

// serverKinds are the models, by the names that the table has. Where windows begin is a matter of the phase.
var serverKinds = []struct {
	name  string
	burst bool
	make  func(r Rate, start time.Time, phase time.Duration) server
}{
	{"fixed window", true, func(r Rate, start time.Time, phase time.Duration) server {
		return &fixedWindow{rate: r, began: start.Add(-phase)}
	}},
	{"sliding log", true, func(r Rate, _ time.Time, _ time.Duration) server { return &slidingLog{rate: r} }},
	{"sliding counter", true, func(r Rate, start time.Time, phase time.Duration) server {
		return &slidingCounter{fixedWindow: fixedWindow{rate: r, began: start.Add(-phase)}}
	}},
	{"token bucket", true, func(r Rate, start time.Time, _ time.Duration) server {
		return &tokenBucket{rate: r, size: float64(r.Calls), tokens: float64(r.Calls), at: start}
	}},
	{"token bucket, no burst", false, func(r Rate, start time.Time, _ time.Duration) server {
		return &tokenBucket{rate: r, size: 1, tokens: 1, at: start}
	}},
}

type fixedWindow struct {
	rate  Rate
	began time.Time
	calls int
}

// roll gives how many windows began since the last call.
func (s *fixedWindow) roll(now time.Time) time.Duration {
	n := now.Sub(s.began) / s.rate.Per
	s.began = s.began.Add(n * s.rate.Per)
	return n
}

func (s *fixedWindow) take(now time.Time) bool {
	if s.roll(now) > 0 {
		s.calls = 0
	}
	if s.calls >= s.rate.Calls {
		return false
	}
	s.calls++
	return true
}

func (s *fixedWindow) retryAfter(now time.Time) time.Duration {
	return s.began.Add(s.rate.Per).Sub(now)
}

// slidingCounter approximates a sliding window by two fixed ones, as Cloudflare and many libraries do.
type slidingCounter struct {
	fixedWindow
	before int
}

func (s *slidingCounter) take(now time.Time) bool {
	switch s.roll(now) {
	case 0:
	case 1:
		s.before, s.calls = s.calls, 0
	default:
		s.before, s.calls = 0, 0
	}
	covered := 1 - float64(now.Sub(s.began))/float64(s.rate.Per)
	if float64(s.before)*covered+float64(s.calls) >= float64(s.rate.Calls) {
		return false
	}
	s.calls++
	return true
}

// retryAfter: what is over the quota goes as the last window does, and else nothing goes until this one is the last.
func (s *slidingCounter) retryAfter(now time.Time) time.Duration {
	if left := s.rate.Calls - s.calls; left > 0 && s.before > 0 {
		return s.began.Add(time.Duration((1 - float64(left)/float64(s.before)) * float64(s.rate.Per))).Sub(now)
	}
	return s.fixedWindow.retryAfter(now)
}

type slidingLog struct {
	rate  Rate
	calls []time.Time
}

func (s *slidingLog) take(now time.Time) bool {
	for len(s.calls) > 0 && !s.calls[0].After(now.Add(-s.rate.Per)) {
		s.calls = s.calls[1:]
	}
	if len(s.calls) >= s.rate.Calls {
		return false
	}
	s.calls = append(s.calls, now)
	return true
}

func (s *slidingLog) retryAfter(now time.Time) time.Duration {
	return s.calls[0].Add(s.rate.Per).Sub(now)
}

type tokenBucket struct {
	rate         Rate
	size, tokens float64
	at           time.Time
}

func (s *tokenBucket) take(now time.Time) bool {
	s.tokens = min(s.size, s.tokens+float64(now.Sub(s.at))/float64(s.rate.Per)*float64(s.rate.Calls))
	s.at = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

func (s *tokenBucket) retryAfter(time.Time) time.Duration {
	return time.Duration((1 - s.tokens) / float64(s.rate.Calls) * float64(s.rate.Per))
}
