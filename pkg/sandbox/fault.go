package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Kind is what goes wrong with a call. "" is nothing.
type Kind string

// The kinds, by the names they have in a plan. "After" means that the invitation is made and the client isn't told.
const (
	Rejected    Kind = "422"        // refused for good, nothing done
	Throttled   Kind = "429"        // with Retry-After, nothing done
	ErrorBefore Kind = "500-before" // nothing done
	ErrorAfter  Kind = "500-after"
	Unavailable Kind = "503" // with Retry-After, nothing done
	ResetBefore Kind = "reset-before"
	ResetAfter  Kind = "reset-after"
	Truncated   Kind = "truncated" // 200 after acting, with half of the body that Content-Length announces
	HTML        Kind = "html"      // 200 after acting, with a page instead of JSON
	Hang        Kind = "hang"      // acts, then never answers
)

// kinds says how each one behaves.
var kinds = map[Kind]struct {
	acts       bool
	status     int // 0: nothing is answered
	retryAfter bool
}{
	"":          {acts: true, status: http.StatusOK},
	Rejected:    {status: http.StatusUnprocessableEntity},
	Throttled:   {status: http.StatusTooManyRequests, retryAfter: true},
	ErrorBefore: {status: http.StatusInternalServerError},
	ErrorAfter:  {status: http.StatusInternalServerError, acts: true},
	Unavailable: {status: http.StatusServiceUnavailable, retryAfter: true},
	ResetBefore: {},
	ResetAfter:  {acts: true},
	Truncated:   {status: http.StatusOK, acts: true},
	HTML:        {status: http.StatusOK, acts: true},
	Hang:        {acts: true},
}

// Fault is what happens to one call. The zero value is a good and quick answer.
type Fault struct {
	Kind       Kind
	RetryAfter time.Duration // of Throttled and Unavailable
	Latency    time.Duration // before the call is worked on, with any kind
}

// refusal is the error answer of a fault, nil if it has none.
func (f Fault) refusal() *refusal {
	kind := kinds[f.Kind]
	if kind.status == http.StatusOK || kind.status == 0 {
		return nil
	}
	no := &refusal{status: kind.status, Reason: "sandbox fault " + string(f.Kind)}
	if kind.retryAfter {
		// Decimals are beyond RFC 9110, but some vendors send them, and tests need waits under a second.
		no.retryAfter = strconv.FormatFloat(f.RetryAfter.Seconds(), 'f', -1, 64)
	}
	return no
}

// chance is all the luck of one attempt.
type chance [sha256.Size]byte

// chanceOf depends on nothing but its arguments, above all not on the order of calls.
func chanceOf(seed uint64, k Key, attempt int) chance {
	b := make([]byte, 0, 128)
	b = binary.BigEndian.AppendUint64(b, seed)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Assessment))
	b = binary.BigEndian.AppendUint64(b, uint64(attempt))
	return sha256.Sum256(append(b, k.Email...))
}

// link uses half of the chance, so that a million invitations have a million links.
func (c chance) link() string {
	return "https://" + hex.EncodeToString(c[16:]) + ".sandbox.invalid"
}

// id fits into a JSON number that every reader takes exactly (53 bits).
func (c chance) id() int64 { return int64(binary.BigEndian.Uint64(c[:])>>11) + 1 }

// dice is a generator whose numbers are the same in every version of Go.
func (c chance) dice() *rand.Rand {
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(c[:]), binary.BigEndian.Uint64(c[8:])))
}
