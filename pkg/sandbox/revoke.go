package sandbox

import "net/http"

// report is an invitation that can be taken back.
type report struct {
	key      Key
	attempts int // to revoke it
	revoked  bool
}

// reportID is the same for the same seed.
func (s *Server) reportID(k Key, attempt int) int64 {
	return chanceOf(s.cfg.Seed, k, attempt).id()
}

// find completes a revocation with the invitation that it is about, and counts the attempt. It holds s.mu.
func (s *Server) find(c *Call) *refusal {
	if s.reports == nil {
		s.index()
	}
	r := s.reports[c.Report]
	if r == nil {
		return &refusal{status: http.StatusNotFound, Reason: "report_id is not known"}
	}
	r.attempts++
	c.Assessment, c.Email, c.Attempt = r.key.Assessment, r.key.Email, r.attempts
	return nil
}

// index makes the list of report ids from the tallies, so that runs of a million rows pay for it only if they revoke. An
// attempt that made no invitation is in it, too, but nobody was ever told its id.
func (s *Server) index() {
	s.reports = make(map[int64]*report)
	for k, t := range s.tallies {
		for attempt := 1; attempt <= int(t.Attempts); attempt++ {
			s.reports[s.reportID(k, attempt)] = &report{key: k}
		}
	}
}

// revoke takes an invitation back, if that has not been done, and records the call.
func (s *Server) revoke(c *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reports[c.Report]
	c.Word = "ALREADY_REVOKED"
	if !r.revoked {
		c.Word, r.revoked = "REVOKED", true
		s.revoked++
		t := s.tallies[r.key]
		t.Revoked++
		s.tallies[r.key] = t
	}
	s.record(c, nil)
}
