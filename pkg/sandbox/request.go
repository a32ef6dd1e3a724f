package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	invitePath = "/assessments/invite" // after any prefix, such as /api/v2
	revokePath = invitePath + "/revoke"
	maxBody    = 64 << 10 // bytes; the largest sensible invitation has under 2 KiB
	getLink    = "getlink"
	sendLink   = "sendlink"
	wireTime   = "2006-01-02 15:04"
)

// admit checks all of a request but its body.
func (s *Server) admit(r *http.Request) *refusal {
	if !strings.HasSuffix(r.URL.Path, invitePath) && !strings.HasSuffix(r.URL.Path, revokePath) {
		return &refusal{status: http.StatusNotFound, Reason: "not found"}
	}
	if r.Method != http.MethodPost {
		return &refusal{status: http.StatusMethodNotAllowed, Reason: "method not allowed, use POST"}
	}
	key := r.Header.Get(s.cfg.KeyHeader)
	if key == "" {
		return &refusal{status: http.StatusUnauthorized, Reason: "header " + s.cfg.KeyHeader + " is missing"}
	}
	if s.cfg.APIKey != "" && key != s.cfg.APIKey {
		return &refusal{status: http.StatusUnauthorized, Reason: "header " + s.cfg.KeyHeader + " has no valid key"}
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return &refusal{status: http.StatusUnsupportedMediaType, Reason: "content type must be application/json"}
	}
	return nil
}

// read fills a call in from a request's body.
func (c *Call) read(body io.Reader) *refusal {
	data, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &refusal{status: http.StatusRequestEntityTooLarge, Reason: fmt.Sprintf("body is larger than %d bytes", tooLarge.Limit)}
	}
	if err == nil {
		err = c.parse(data)
	}
	if err != nil {
		return &refusal{status: http.StatusBadRequest, Reason: err.Error()}
	}
	return nil
}

// parse is as strict as the documentation allows. encoding/json into a struct is not: it takes keys in any case, twice,
// and null for everything.
func (c *Call) parse(data []byte) error {
	f, err := parseObject(data)
	if err != nil {
		return err
	}
	if c.revokes {
		err = c.parseRevocation(f)
	} else {
		err = c.parseInvitation(f)
	}
	if err != nil {
		return err
	}
	for name := range f {
		return fmt.Errorf("%s is not a known field", name)
	}
	return nil
}

func (c *Call) parseInvitation(f fields) (err error) {
	if c.Name, err = f.text("candidate_name"); err != nil {
		return err
	}
	if c.sentEmail, err = f.text("candidate_email"); err != nil {
		return err
	}
	c.Email = strings.ToLower(c.sentEmail)
	if c.Assessment, err = f.id("assessment_id"); err != nil {
		return err
	}
	if c.Format, err = f.text("invite_format"); err != nil {
		return err
	}
	if c.Format != getLink && c.Format != sendLink {
		return fmt.Errorf("invite_format must be %s or %s", getLink, sendLink)
	}
	c.Expiry, err = f.date("expiry_date")
	return err
}

func (c *Call) parseRevocation(f fields) (err error) {
	if c.Report, err = f.id("report_id"); err != nil {
		return err
	}
	c.Notify, err = f.flag("notify_candidate")
	return err
}

// fields are the members of a flat JSON object. Its methods take out what they read, so that unknown ones are left.
type fields map[string]json.Token

func parseObject(data []byte) (fields, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("body must be exactly one JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	// No Token can be an error below: the text is valid JSON.
	if start, _ := dec.Token(); start != json.Delim('{') {
		return nil, errors.New("body must be exactly one JSON object")
	}
	f := make(fields, 5)
	for dec.More() {
		token, _ := dec.Token()
		name := token.(string)
		if _, twice := f[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		f[name], _ = dec.Token()
		if _, nested := f[name].(json.Delim); nested {
			return nil, fmt.Errorf("%s must not be an object or a list", name)
		}
	}
	return f, nil
}

func (f fields) take(name string) (json.Token, error) {
	value, ok := f[name]
	if !ok {
		return nil, fmt.Errorf("%s is missing", name)
	}
	delete(f, name)
	return value, nil
}

func (f fields) text(name string) (string, error) {
	value, err := f.take(name)
	if err != nil {
		return "", err
	}
	s, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s must be a string", name)
	}
	if strings.TrimSpace(s) == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return s, nil
}

func (f fields) id(name string) (int64, error) {
	value, err := f.take(name)
	if err != nil {
		return 0, err
	}
	number, _ := value.(json.Number)
	id, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%s must be a positive integer number", name)
	}
	return id, nil
}

// date reads an optional field.
func (f fields) date(name string) (string, error) {
	if _, ok := f[name]; !ok {
		return "", nil
	}
	s, err := f.text(name)
	if err != nil {
		return "", err
	}
	// time.Parse alone takes an hour of one digit.
	if at, err := time.Parse(wireTime, s); err != nil || at.Format(wireTime) != s {
		return "", fmt.Errorf("%s must be YYYY-MM-DD HH:MM", name)
	}
	return s, nil
}

// flag reads an optional field.
func (f fields) flag(name string) (bool, error) {
	value, ok := f[name]
	if !ok {
		return false, nil
	}
	delete(f, name)
	on, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%s must be true or false", name)
	}
	return on, nil
}
