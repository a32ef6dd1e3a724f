package pipeline

import (
	"fmt"
	"maps"
	"net/http"
	"sync"

	"batchinvite/pkg/invite"
)

const (
	firstAlike = 5 // answers of a kind from the start are no coincidence
	maxClosed  = 3 // assessments that refuse
)

// alike is the rule of the first answers. While the account has no recorded success, answers that are all refusals of one
// status point at the whole run: a wrong path, a wrong assessment, another company's key. Until that is settled, rejected
// rows are held back, since they count as not sent if the run was wrong and not they.
//
// It also knows the assessments that are closed for the rest of the run because the vendor forbids them.
type alike struct {
	mu      sync.Mutex
	settled bool
	wrong   string // what is wrong with the whole run, "" while nothing is
	status  int
	n       int    // answers with that status
	words   string // of the last of them
	held    []held
	closed  map[int64]string // by assessment: the vendor's words
}

// held is a rejected row that waits for the rule.
type held struct {
	claim   invite.Claim
	result  invite.Result
	deliver func(invite.Result)
}

// finding is what an answer means beside its own row.
type finding struct {
	hold  bool         // the row waits
	wrong string       // the row is one of those that show what is wrong with the run
	free  []held       // rows that wait no longer
	stop  *invite.Stop // of the run
	left  int          // calls that may still be in flight while the rule is open, 0 = any number
}

// hear takes an answer in. A run that takes no more rows closes no assessment, so that its reasons are the same for all
// that it did not reach.
func (r *alike) hear(a invite.Answer, assessment int64, taking bool) (f finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := a.Class == invite.ClassAnswered || a.Class == invite.ClassRefused && !a.Retry
	switch {
	case !counts:
	case r.settled:
		f.stop = r.forbid(a, assessment, taking)
	case a.Outcome.State == invite.Invited || a.Stop != nil || r.n > 0 && a.Status != r.status:
		f.free = r.settle()
		f.stop = r.forbid(a, assessment, taking)
	default:
		r.status = a.Status
		r.words = a.Outcome.Error
		r.n++
		f.hold = a.Outcome.State == invite.Rejected
		if r.n == firstAlike {
			f.hold = false
			f.stop = r.blame()
			f.wrong, f.free = r.wrong, r.settle()
		}
	}
	if !r.settled {
		f.left = firstAlike - r.n
	}
	return f
}

// forbid closes an assessment. mu is held.
func (r *alike) forbid(a invite.Answer, assessment int64, taking bool) *invite.Stop {
	if !taking || a.Status != http.StatusForbidden || a.Stop != nil {
		return nil
	}
	if r.closed == nil {
		r.closed = map[int64]string{}
	}
	if _, again := r.closed[assessment]; again {
		return nil
	}
	r.closed[assessment] = a.Outcome.Error
	if len(r.closed) < maxClosed {
		return nil
	}
	return &invite.Stop{Kind: invite.StopPerson, Reason: fmt.Sprintf("%d assessments are closed to this key: %s", len(r.closed), a.Outcome.Error)}
}

// blame says what is wrong with the run. mu is held.
func (r *alike) blame() *invite.Stop {
	guess := "wrong base URL or assessment?"
	switch r.status {
	case http.StatusForbidden:
		guess = "is the API key refused?"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
	default:
		guess = "is something wrong with all rows?"
	}
	calls := "the only call was refused"
	if r.n > 1 {
		calls = fmt.Sprintf("the first %d calls were all refused alike", r.n)
	}
	r.wrong = calls + " (" + guess + ")"
	return &invite.Stop{Kind: invite.StopPerson, Reason: r.wrong + ": " + r.words}
}

// settle ends the rule, and gives the rows that waited for it. mu is held.
func (r *alike) settle() []held {
	free := r.held
	r.settled, r.held = true, nil
	return free
}

// keep holds a row back. It is false if the rule was settled meanwhile, with what was wrong.
func (r *alike) keep(h held) (kept bool, wrong string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settled {
		return false, r.wrong
	}
	r.held = append(r.held, h)
	return true, ""
}

// end settles the rule when no more answers come: if all were alike, that says as much as five.
func (r *alike) end() (free []held, wrong string, stop *invite.Stop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.settled && r.n > 0 {
		stop = r.blame()
	}
	return r.settle(), r.wrong, stop
}

// yield settles the rule early, for rows that can't wait.
func (r *alike) yield() []held {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settle()
}

// refusal is why an assessment is closed, nil if it is open.
func (r *alike) refusal(assessment int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if why, closed := r.closed[assessment]; closed {
		return closedError(assessment, why)
	}
	return nil
}

// shut lists the closed assessments and why they are.
func (r *alike) shut() map[int64]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.closed)
}
