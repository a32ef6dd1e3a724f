package sandbox

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
)

// refusal is any answer but an invitation. The vendor's sister endpoints give both fields, or error alone.
type refusal struct {
	status     int // 0: nothing is answered
	retryAfter string
	Message    string `json:"message,omitempty"`
	Reason     string `json:"error"`
}

// usedUp is what a sister endpoint answers when no invites are left.
var usedUp = &refusal{
	status: http.StatusForbidden, Message: "Invites Exhausted. Please contact support.", Reason: "limit_exceed",
}

func (no *refusal) write(w http.ResponseWriter) {
	if no.retryAfter != "" {
		w.Header().Set("Retry-After", no.retryAfter)
	}
	switch no.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusFound:
		w.Header().Set("Location", "/login")
	}
	writeJSON(w, no.status, encode(no))
}

// invitation has exactly the documented fields. The values of status are not documented.
type invitation struct {
	Email       string `json:"email"`
	ReportID    int64  `json:"report_id"`
	CandidateID int64  `json:"candidate_id"`
	Assessment  int64  `json:"assessment_id"`
	Link        string `json:"invite_link"`
	Name        string `json:"name"`
	Status      string `json:"status"`
}

// revocation has the one field that is documented.
type revocation struct {
	Status string `json:"status"`
}

func (s *Server) success(c Call) []byte {
	if c.revokes {
		return encode(revocation{c.Word})
	}
	return encode(invitation{
		Email:       c.sentEmail,
		ReportID:    s.reportID(c.Key(), c.Attempt),
		CandidateID: chanceOf(s.cfg.Seed, Key{Email: c.Email}, 0).id(), // the same person in every assessment
		Assessment:  c.Assessment,
		Link:        c.Link,
		Name:        c.Name,
		Status:      "INVITED",
	})
}

// answer writes what the client is to see of a call that has been recorded.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, c Call, no *refusal) {
	switch {
	case c.Fault == ResetBefore || c.Fault == ResetAfter:
		reset(w)
	case c.Fault == Hang:
		s.hang(r.Context())
	case c.Fault == HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html>\n<title>Please wait</title>\n<p>One moment please.</p>\n")
	case no != nil:
		no.write(w)
	default:
		body := s.success(c)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if c.Fault == Truncated {
			body = body[:len(body)/2] // net/http drops a connection on which less than announced was written
		}
		writeJSON(w, http.StatusOK, body)
	}
}

// reset makes the kernel send RST instead of FIN, as a crashed proxy would.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders have no connection to give
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn() // below TLS, which would say goodbye
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // fails only on a connection that is gone already
	}
	raw.Close()
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) // a client that has gone is no business of a server
}

// encode is for our own types, which always have a JSON form.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}
