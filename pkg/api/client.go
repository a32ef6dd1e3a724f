package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"time"

	"batchinvite/pkg/invite"
)

const (
	dialTimeout = 20 * time.Second // for TCP and for TLS each, within the timeout of the call
	// A kept connection that the server has just closed is the main source of false unknowns, so none is kept for long.
	idleTimeout = 3 * time.Second
	maxHeader   = 64 << 10 // bytes, all 1xx answers before the last one included
)

// Client invites candidates and takes invitations back. Its methods may be called from many goroutines.
type Client struct {
	base      *url.URL
	header    http.Header
	timeout   time.Duration
	transport *http.Transport
	key       string
	secret    *regexp.Regexp // finds the key in a text
}

// New checks the options. It opens no connection.
func New(o Options) (*Client, error) {
	if err := cmp.Or(o.Check(), o.checkKey()); err != nil {
		return nil, err
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	return &Client{
		base: base,
		header: http.Header{
			"Accept": {"application/json"},
			// Without it a server may choose any coding.
			"Accept-Encoding": {"identity"},
			"Content-Type":    {"application/json"},
			"User-Agent":      {o.UserAgent},
			o.KeyHeader:       {o.Key}, // not Set, which would spell it Apikey
		},
		timeout:   o.Timeout,
		transport: newTransport(o.Workers),
		key:       o.Key,
		secret:    secretPattern(o.Key),
	}, nil
}

// newTransport speaks HTTP/1.1 only: HTTP/2 sends a POST again after some stream resets, and its connections are shared
// by requests, so that bytes written would prove nothing.
func newTransport(workers int) *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	dialer := net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &countedConn{Conn: conn}, nil
		},
		Protocols:              &http1,
		TLSHandshakeTimeout:    dialTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    workers,
		MaxConnsPerHost:        workers,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		OnProxyConnectResponse: refusedByProxy,
	}
}

// job is one thing to ask of the vendor.
type job struct {
	path    string
	body    any
	expires string // the date that is in the body
	// once: a second request may do harm. It is the column of the table that counts.
	once  bool
	doubt string // what may have happened when nobody knows
	// understand finds the signs in the object of an answer, or else the flaw for which there are none.
	understand func(object map[string]json.RawMessage) (facts, sign, string)
}

// do makes one attempt, which is at most one request.
func (c *Client) do(ctx context.Context, j job) invite.Answer {
	callCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var w wire
	// RoundTrip, as an http.Client would follow redirects and hide what it did.
	resp, err := c.transport.RoundTrip(c.request(httptrace.WithClientTrace(callCtx, w.trace()), j))
	if err != nil {
		return c.failure(ctx, callCtx, err, w.signs()).answer(j)
	}
	if w.early {
		resp.Body.Close()
		w.conn.Close() // without a body it is in the pool already
		return reply{signs: w.signs(), fault: "an answer came before the request"}.answer(j)
	}
	return c.read(resp, j).answer(j)
}

// request leaves GetBody nil: with it net/http may send the body a second time by itself.
func (c *Client) request(ctx context.Context, j job) *http.Request {
	body, _ := json.Marshal(j.body) // strings, numbers and booleans can't fail
	req := &http.Request{
		Method:        http.MethodPost,
		URL:           c.base.JoinPath(j.path),
		Header:        c.header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	return req.WithContext(ctx)
}

// Close closes the idle connections. It is the last call.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
}
