package sandbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"
)

// Key is one person in one assessment.
type Key struct {
	Assessment int64
	Email      string // lower case
	Report     int64  // of a revocation's key, for scripts; 0 is an invitation's, and all that tallies have
}

// Tally is what was done for one key. It is small because a long run has a million of them.
type Tally struct {
	Attempts int32 // calls to invite that were complete and admitted, whatever became of them
	Links    int32 // invitations made with getlink
	Mails    int32 // invitations made with sendlink: each one an e-mail to a person
	Revoked  int32 // of these invitations, those taken back
}

// Call is one request that arrived. What a refused one left out or got wrong is empty.
type Call struct {
	At         time.Time `json:"at"` // when it arrived, UTC
	Assessment int64     `json:"assessment_id,omitempty"`
	Email      string    `json:"email,omitempty"`   // lower case
	Attempt    int       `json:"attempt,omitempty"` // of its key, or to revoke its report, from 1
	Name       string    `json:"name,omitempty"`
	Format     string    `json:"format,omitempty"`
	Expiry     string    `json:"expiry,omitempty"`
	Acted      bool      `json:"acted"`  // an invitation was made
	Status     int       `json:"status"` // 0: nothing was answered
	Fault      Kind      `json:"fault,omitempty"`
	Error      string    `json:"error,omitempty"` // the refusal
	Link       string    `json:"link,omitempty"`  // of the invitation made, also if the client never saw it

	// Of a revocation. Assessment and Email are those of its report, if there is one.
	Report int64  `json:"report_id,omitempty"`
	Notify bool   `json:"notify_candidate,omitempty"`
	Word   string `json:"word,omitempty"` // REVOKED and so on, also if the client never saw it

	revokes   bool
	sentEmail string // as it came
}

// Key gives the key of a call.
func (c Call) Key() Key { return Key{Assessment: c.Assessment, Email: c.Email, Report: c.Report} }

// record holds s.mu. It completes the call with what is answered.
func (s *Server) record(c *Call, no *refusal) {
	s.calls++
	kind, _ := c.Fault.behaviour()
	c.Status = kind.status
	if no != nil {
		c.Status, c.Error = no.status, no.Reason
	}
	if !s.cfg.CountsOnly {
		s.log = append(s.log, *c)
	}
}

// Calls gives the number of requests that arrived, the refused ones too.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Invitations gives the number of invitations made, whatever the clients saw of them.
func (s *Server) Invitations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.invitations
}

// Revocations gives the number of invitations taken back. They stay among those made.
func (s *Server) Revocations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked
}

// Tallies gives what was done for each key, in a copy.
func (s *Server) Tallies() map[Key]Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.tallies)
}

// Duplicates gives the keys that were invited more than once in one format, and how often.
func (s *Server) Duplicates(format string) map[Key]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	twice := make(map[Key]int)
	for k, t := range s.tallies {
		n := t.Links
		if format == sendLink {
			n = t.Mails
		}
		if n > 1 {
			twice[k] = int(n)
		}
	}
	return twice
}

// Log gives the calls so far, in the order in which they were settled; none with CountsOnly. It is not to be changed.
func (s *Server) Log() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log[:len(s.log):len(s.log)]
}

// Links gives the link of every invitation made, in the order of the log.
func (s *Server) Links() []string {
	var links []string
	for _, c := range s.Log() {
		if c.Acted {
			links = append(links, c.Link)
		}
	}
	return links
}

// WriteLog writes the log as JSON, one call a line.
func (s *Server) WriteLog(w io.Writer) error {
	buffer := bufio.NewWriter(w)
	enc := json.NewEncoder(buffer)
	enc.SetEscapeHTML(false)
	for _, c := range s.Log() {
		if err := enc.Encode(c); err != nil {
			return fmt.Errorf("write sandbox log: %w", err)
		}
	}
	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write sandbox log: %w", err)
	}
	return nil
}
