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

// The kinds, by the names they have in a plan. "After" means that the call is acted on and the client isn't told. Any
// other status from "400" to "499" is a kind, too: refused, nothing done.
const (
	Redirect       Kind = "302"        // to a login page, nothing done
	Rejected       Kind = "422"        // refused for good, nothing done
	Throttled      Kind = "429"        // with Retry-After, nothing done
	ErrorBefore    Kind = "500-before" // nothing done
	ErrorAfter     Kind = "500-after"
	BadGateway     Kind = "502"            // nothing done
	Unavailable    Kind = "503"            // with Retry-After, nothing done
	OutOfService   Kind = "503-bare"       // without it, nothing done
	GatewayTimeout Kind = "504"            // nothing done
	LimitExceed    Kind = "limit_exceed"   // 403, the account's invites are used up
	NotAllowed     Kind = "not-allowed"    // of revocations: the word NOT_ALLOWED, nothing done
	ErrorRevoking  Kind = "error-revoking" // of revocations: the word ERROR_REVOKING, nothing done
	ResetBefore    Kind = "reset-before"
	ResetAfter     Kind = "reset-after"
	Truncated      Kind = "truncated" // 200 after acting, with half of the body that Content-Length announces
	HTML           Kind = "html"      // 200 after acting, with a page instead of JSON
	Hang           Kind = "hang"      // acts, then never answers
)

// behaviour is what a kind does.
type behaviour struct {
	acts       bool
	status     int // 0: nothing is answered
	retryAfter bool
	word       string // with it a kind befalls revocations only
}

var kinds = map[Kind]behaviour{
	"":             {acts: true, status: http.StatusOK},
	Redirect:       {status: http.StatusFound},
	Throttled:      {status: http.StatusTooManyRequests, retryAfter: true},
	ErrorBefore:    {status: http.StatusInternalServerError},
	ErrorAfter:     {status: http.StatusInternalServerError, acts: true},
	BadGateway:     {status: http.StatusBadGateway},
	Unavailable:    {status: http.StatusServiceUnavailable, retryAfter: true},
	OutOfService:   {status: http.StatusServiceUnavailable},
	GatewayTimeout: {status: http.StatusGatewayTimeout},
	LimitExceed:    {status: http.StatusForbidden},
	NotAllowed:     {status: http.StatusOK, word: "NOT_ALLOWED"},
	ErrorRevoking:  {status: http.StatusOK, word: "ERROR_REVOKING"},
	ResetBefore:    {},
	ResetAfter:     {acts: true},
	Truncated:      {status: http.StatusOK, acts: true},
	HTML:           {status: http.StatusOK, acts: true},
	Hang:           {acts: true},
}

const everyRefusal = "400 to 499"

func (k Kind) behaviour() (b behaviour, known bool) {
	if b, known = kinds[k]; known {
		return b, true
	}
	status, err := strconv.Atoi(string(k))
	return behaviour{status: status}, err == nil && status >= 400 && status <= 499 && len(k) == len("400")
}

// Fault is what happens to one call. The zero value is a good and quick answer.
type Fault struct {
	Kind       Kind
	RetryAfter time.Duration // of Throttled and Unavailable
	Latency    time.Duration // before the call is worked on, with any kind
}

// refusal is the error answer of a fault, nil if it has none.
func (f Fault) refusal() *refusal {
	kind, _ := f.Kind.behaviour()
	switch {
	case kind.status == http.StatusOK || kind.status == 0:
		return nil
	case f.Kind == LimitExceed:
		return usedUp
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
	b = append(b, k.Email...)
	if k.Report != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(k.Report))
	}
	return sha256.Sum256(b)
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
