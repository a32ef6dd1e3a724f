package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Options is what a client needs to know. All of it is required, save UserAgent.
type Options struct {
	BaseURL   string        // with or without a slash at its end; https, or http to a loopback address
	Key       string        // the API key
	KeyHeader string        // the request header for it, sent in this very spelling
	Timeout   time.Duration // of one whole call, from the wait for a connection to the end of the answer's body
	Workers   int           // how many calls may be in flight, and so how many connections
	UserAgent string
}

// Check finds what is wrong with the options before there is a key. Its errors quote no password.
func (o Options) Check() error {
	if err := o.checkHeader(); err != nil {
		return err
	}
	_, err := o.base()
	return err
}

// base checks everything but the key and its header, and gives the URL below which all is posted.
func (o Options) base() (*url.URL, error) {
	switch {
	case o.Timeout <= 0:
		return nil, fmt.Errorf("timeout %s is not above 0", o.Timeout)
	case o.Workers < 1:
		return nil, fmt.Errorf("%d workers are too few, use 1 or more", o.Workers)
	case !httpguts.ValidHeaderFieldValue(o.UserAgent):
		return nil, fmt.Errorf("user agent %q has control characters in it", o.UserAgent)
	}
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL %w", err)
	}
	if base.Path == "" {
		base.Path = "/" // or JoinPath gives a request line without the first slash
	}
	return base, nil
}

// ownHeaders are set by the client or the transport. Idempotency keys are among them because net/http sends a POST
// that has one twice when a kept connection breaks.
var ownHeaders = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Idempotency-Key",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "X-Idempotency-Key",
}

func (o Options) checkHeader() error {
	if !httpguts.ValidHeaderFieldName(o.KeyHeader) {
		return fmt.Errorf("%q is not the name of a request header", o.KeyHeader)
	}
	for _, own := range ownHeaders {
		if strings.EqualFold(own, o.KeyHeader) {
			return fmt.Errorf("request header %s has a meaning of its own, the API key can't go there", own)
		}
	}
	return nil
}

// checkKey gives errors that do not quote the key.
func (o Options) checkKey() error {
	if o.Key == "" {
		return errors.New("API key is empty")
	}
	// A byte-order mark or a line end that came along from a key file would be refused by the vendor as a wrong key.
	for _, r := range o.Key {
		if r < ' ' || r > '~' {
			return errors.New("API key has characters in it that are not printable ASCII")
		}
	}
	if strings.TrimSpace(o.Key) != o.Key {
		return errors.New("API key begins or ends with a space")
	}
	return nil
}

// parseBase gives reasons that continue "base URL". They quote it only once it is sure to have no password in it.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	var bad *url.Error
	switch {
	case s == "":
		return nil, errors.New("is missing")
	case errors.As(err, &bad):
		return nil, fmt.Errorf("can't be read: %w", bad.Err)
	case u.User != nil:
		return nil, errors.New("has a user name in it, the API key goes elsewhere")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("has a query or fragment, it ends with its path")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("does not begin with https://")
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.Port() != "" && !validPort(u.Port()):
		return nil, fmt.Errorf("%q has no valid port", s)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("%q is not encrypted, use https (http is for loopback addresses)", s)
	}
	return u, nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
