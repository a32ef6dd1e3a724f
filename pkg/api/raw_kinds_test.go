package api

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	brokeOff = "the connection broke after the request had left"
	noAnswer = "no answer came within 2s"
	cutShort = "the vendor answered 200: the answer broke off"
	notJSON  = "the vendor answered 200: the answer is not JSON"
)

// says reads a request and writes a text, in which GOOD is the body that is hoped for and SIZE its length.
func says(text string) func(*peer) {
	return func(p *peer) {
		if p.receive() {
			p.say(p.fill(text))
		}
	}
}

func (p *peer) fill(text string) string {
	return strings.NewReplacer("GOOD", p.good(), "SIZE", strconv.Itoa(len(p.good()))).Replace(text)
}

// then reads a request before it goes on with a script.
func then(script func(*peer)) func(*peer) {
	return func(p *peer) {
		if p.receive() {
			script(p)
		}
	}
}

// saysAnd writes a text as says does, and goes on.
func saysAnd(text string, script func(*peer)) func(*peer) {
	return then(func(p *peer) {
		p.say(p.fill(text))
		script(p)
	})
}

func reset(p *peer) { _ = p.reset() }

// impatient makes a client give up soon.
func impatient(_ *testing.T, _ *rawServer, c *Client) { c.timeout = 2 * time.Second }

const (
	ok    = "HTTP/1.1 200 OK\r\n"
	okFor = ok + "Content-Length: SIZE\r\n"
)

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func kinds(t *testing.T) []kind {
	all := [][]kind{connectionKinds, headKinds, bodyKinds, reuseKinds, retryAfterKinds(), tlsKinds(t), proxyKinds}
	var flat []kind
	for _, some := range all {
		flat = append(flat, some...)
	}
	return flat
}

// The connection fails. A server that goes away at once may do so before or after our first byte: the counter decides.
var connectionKinds = []kind{
	{name: "refused", setup: func(_ *testing.T, s *rawServer, _ *Client) { s.stop() }, ends: []ending{unsentFails}, cause: "cannot connect to HOST: connection refused"},
	{name: "reset at accept", script: reset, ends: []ending{lost, unsentOnly, unsentFails}, calls: 20},
	{name: "close at accept", script: func(*peer) {}, ends: []ending{lost, unsentOnly}, calls: 20},
	{name: "close after the first byte", script: func(p *peer) { _, _ = p.r.ReadByte() }, ends: []ending{lost}, cause: brokeOff},
	{name: "close in the request's head", script: func(p *peer) { _, _ = p.r.ReadString('\n') }, ends: []ending{lost}, cause: brokeOff},
	{name: "close before the request's body", script: func(p *peer) { _, _ = http.ReadRequest(p.r) }, ends: []ending{lost}, cause: brokeOff},
	{name: "reset before the request's body", script: func(p *peer) { _, _ = http.ReadRequest(p.r); reset(p) }, ends: []ending{lost}, cause: brokeOff},
	{name: "close before the answer", script: then(func(*peer) {}), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "reset before the answer", script: then(reset), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "close in the status line", script: says("HTTP/1.1 20"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "close in the headers", script: says(ok + "Content-Le"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "reset in the headers", script: saysAnd(ok+"Content-Le", reset), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "close before the answer's body", script: says(okFor + "\r\n"), ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "close in the answer's body", script: says(ok + "Content-Length: 999\r\n\r\nGOOD"), ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "reset in the answer's body", script: saysAnd(ok+"Content-Length: 999\r\n\r\nGOOD", reset), ends: []ending{lost}, posts: 1},
	{name: "nobody reads", script: (*peer).idle, setup: impatient, ends: []ending{lost}, cause: noAnswer},
	{name: "stalls before the answer", script: then((*peer).hang), setup: impatient, ends: []ending{lost}, cause: noAnswer, posts: 1},
	{name: "stalls after the status line", script: saysAnd(ok, (*peer).hang), setup: impatient, ends: []ending{lost}, cause: noAnswer, posts: 1},
	{name: "stalls in the body", script: saysAnd(ok+"Content-Length: 999\r\n\r\nGOOD", (*peer).hang), setup: impatient, ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "drips in time", script: then(func(p *peer) { p.drip(p.fill(okFor+"\r\nGOOD"), time.Millisecond) }), ends: []ending{fine}, posts: 1},
	{name: "drips a header for too long", script: then(func(p *peer) { p.drip(ok+"X: "+strings.Repeat("x", 9999), 10*time.Millisecond) }), setup: impatient, ends: []ending{lost}, cause: noAnswer, posts: 1},
	{name: "drips a body for too long", script: then(func(p *peer) { p.drip(ok+"\r\n"+strings.Repeat("x", 9999), 10*time.Millisecond) }), setup: impatient, ends: []ending{lost}, cause: cutShort, posts: 1},
}

// The head of the answer is odd.
var headKinds = []kind{
	{name: "garbage", script: says("SSH-2.0-OpenSSH_9.9\r\n\r\n"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "zero bytes", script: says(strings.Repeat("\x00", 99)), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "status of four digits", script: says("HTTP/1.1 2000 OK\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "status of two digits", script: says("HTTP/1.1 20 OK\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "status without a reason", script: says("HTTP/1.1 200\r\nContent-Length: SIZE\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "HTTP/0.9", script: says("GOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "HTTP/1.0 without a length", script: says("HTTP/1.0 200 OK\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "HTTP/1.0 without a length, cut", script: says("HTTP/1.0 200 OK\r\n\r\n{\"status\":\"REVOKED\""), ends: []ending{odd}, posts: 1},
	{name: "HTTP/2 preface", script: says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "HTTP/2 settings frame", script: says("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "hundred times 100", script: says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100) + okFor + "\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "flood of 1xx", script: then(func(p *peer) {
		for p.say("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") {
		}
	}), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "101", script: saysAnd("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", (*peer).hang), ends: []ending{odd}, cause: "the vendor answered 101", posts: 1},
	{name: "103 and then 200", script: says("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okFor + "\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "102 and then nothing", script: says("HTTP/1.1 102 Processing\r\n\r\n"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "header below 64 KiB", script: says(okFor + "X: " + strings.Repeat("x", 63<<10) + "\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "header over 64 KiB", script: says(okFor + "X: " + strings.Repeat("x", 80<<10) + "\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "endless header", script: then(func(p *peer) {
		p.say(ok + "X: ")
		for p.say(strings.Repeat("x", 1<<12)) {
		}
	}), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "thousand headers", script: says(okFor + strings.Repeat("X: y\r\n", 1000) + "\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "hundred thousand headers", script: says(okFor + strings.Repeat("X: y\r\n", 100_000) + "\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "header without a colon", script: says(okFor + "X\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "header with a NUL byte", script: says(okFor + "X: a\x00b\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "line ends without CR", script: says("HTTP/1.1 200 OK\nContent-Length: SIZE\n\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "two lengths that differ", script: says(okFor + "Content-Length: 2\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "two lengths alike", script: says(okFor + "Content-Length: SIZE\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "negative length", script: says(ok + "Content-Length: -1\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "length that is no number", script: says(ok + "Content-Length: SIZE bytes\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "unknown transfer coding", script: says(ok + "Transfer-Encoding: gzip\r\n\r\nGOOD"), ends: []ending{lost}, cause: brokeOff, posts: 1},
	{name: "302 to itself", script: redirects("302"), ends: []ending{{isRefused, isUnknown, "stops"}}, posts: 1},
	{name: "308 to itself", script: redirects("308"), ends: []ending{elsewhereTo}, posts: 1},
}

// redirects leads to itself, and counts whoever follows.
func redirects(status string) func(*peer) {
	return func(p *peer) {
		for p.receive() {
			p.say("HTTP/1.1 " + status + " X\r\nLocation: " + p.last.URL.Path + "\r\nContent-Length: 0\r\n\r\n")
		}
	}
}

// The body of the answer is odd.
var bodyKinds = []kind{
	{name: "length below the body's", script: says(ok + "Content-Length: 9\r\n\r\nGOOD"), ends: []ending{odd}, posts: 1},
	{name: "more after the body", script: says(okFor + "\r\nGOODand more"), ends: []ending{fine}, posts: 1},
	{name: "length 0", script: says(ok + "Content-Length: 0\r\n\r\nGOOD"), ends: []ending{odd}, cause: notJSON, posts: 1},
	{name: "empty 200", script: says(ok + "\r\n"), ends: []ending{odd}, cause: notJSON, posts: 1},
	{name: "204", script: says("HTTP/1.1 204 No Content\r\n\r\n"), ends: []ending{odd}, cause: "the vendor answered 204: the answer is not JSON", posts: 1},
	{name: "chunks", script: says(ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n"), ends: []ending{odd}, posts: 1},
	{name: "bad chunks", script: says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nGOOD"), ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "no last chunk", script: then(func(p *peer) { p.say(chunked(p.good(), "")) }), ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "endless chunk", script: says(ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nGOOD"), ends: []ending{lost}, cause: cutShort, posts: 1},
	{name: "both length and chunks", script: then(func(p *peer) {
		p.say(strings.Replace(chunked(p.good(), "0\r\n\r\n"), ok, ok+"Content-Length: 3\r\n", 1))
	}), ends: []ending{fine}, posts: 1},
	{name: "gzip unasked", script: says(ok + "Content-Encoding: gzip\r\n\r\n" + gzipped(goodBody)), ends: []ending{odd}, cause: notJSON + ": compressed data", posts: 1},
	{name: "gzip announced, but not there", script: says(okFor + "Content-Encoding: gzip\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "wrong type, right body", script: says(okFor + "Content-Type: text/html\r\n\r\nGOOD"), ends: []ending{fine}, posts: 1},
	{name: "right type, wrong body", script: says(ok + "Content-Type: application/json\r\n\r\n<html><title>Sign in</title>"), ends: []ending{odd}, cause: notJSON + `: an HTML page "Sign in"`, posts: 1},
	{name: "5 MiB", script: then(func(p *peer) { p.say(answerOf(strings.Repeat(" ", 5<<20) + p.good())) }), ends: []ending{odd}, cause: "the vendor answered 200: the answer is larger than 1 MiB", posts: 1},
	{name: "endless body", script: saysAnd(ok+"\r\n", func(p *peer) {
		for p.say(strings.Repeat(" ", 1<<12)) {
		}
	}), ends: []ending{odd}, cause: "the vendor answered 200: the answer is larger than 1 MiB", posts: 1},
	{name: "deep nesting", script: says(ok + "\r\n" + strings.Repeat(`{"email":`, 99_999)), ends: []ending{odd}, posts: 1},
	{name: "bad UTF-8", script: says(ok + "\r\n{\"email\":\"ann@example.org\",\"invite_link\":\"https://vendor.example/\xff\",\"status\":\"\xffREVOKED\"}"), ends: []ending{odd}, posts: 1},
	{name: "UTF-16", script: says(ok + "\r\n\xff\xfe{\x00}\x00"), ends: []ending{odd}, posts: 1},
	{name: "byte-order mark", script: says(ok + "\r\n\xef\xbb\xbfGOOD"), ends: []ending{odd}, posts: 1},
	{name: "NUL bytes around", script: says(ok + "\r\n\x00GOOD\x00"), ends: []ending{odd}, posts: 1},
	{name: "two objects", script: says(ok + "\r\nGOODGOOD"), ends: []ending{odd}, posts: 1},
	{name: "a list", script: says(ok + "\r\n[GOOD]"), ends: []ending{odd}, posts: 1},
	{name: "one name twice", script: says(ok + "\r\n" + `{"email":"ann@example.org","email":"bob@example.org","report_id":7,"status":"REVOKED","status":"NOT_ALLOWED"}`), ends: []ending{odd}, posts: 1},
}

func chunked(body, last string) string {
	return fmt.Sprintf(ok+"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%s", len(body), body, last)
}

// The call before was good. What becomes of a kept connection at the moment when it is used again is a race, which may
// end well: then on a connection of its own.
var reuseKinds = []kind{
	{name: "kept connection closed while idle", script: says(okFor + "\r\nGOOD"), ends: []ending{fine, unsentOnly, lost}, posts: perhaps, calls: 200, warm: true},
	{name: "kept connection reset while idle", script: saysAnd(okFor+"\r\nGOOD", reset), ends: []ending{fine, unsentOnly, lost}, posts: perhaps, calls: 50, warm: true},
	{name: "kept connection closed before the answer", script: saysAnd(okFor+"\r\nGOOD", func(p *peer) { p.receive() }), ends: []ending{lost}, cause: brokeOff, posts: 1, warm: true},
	{name: "kept connection closed in the request", script: saysAnd(okFor+"\r\nGOOD", func(p *peer) { _, _ = p.r.ReadByte() }), ends: []ending{lost}, cause: brokeOff, warm: true},
	{name: "a second answer with the first", script: smuggles, ends: []ending{fine, lost, unsentOnly}, posts: perhaps, calls: 50, warm: true},
	{name: "408 while idle", script: saysAnd(okFor+"\r\nGOOD", func(p *peer) {
		p.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}), ends: []ending{fine, unsentOnly, lost, {isAgain, isUnknown, "goes on"}}, posts: perhaps, calls: 50, warm: true},
	{name: "answer at accept", script: func(p *peer) {
		p.say("HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n")
		p.receive()
	}, ends: []ending{{isRejected, isRejected, "goes on"}, lost, unsentOnly}, posts: unheeded},
}

// smuggles gives every answer a second one to go with it, which would be the next request's.
func smuggles(p *peer) {
	for p.receive() && p.say(p.fill(okFor+"\r\nGOODHTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n")) {
	}
}

// retryAfterKinds are the forms of the header, with the pause that is made of each.
func retryAfterKinds() []kind {
	const date = "Date: Tue, 03 Nov 2026 10:00:00 GMT\r\n"
	var kinds []kind
	for _, tc := range []struct{ name, header, pause string }{
		{"whole", "Retry-After: 7", ", pauses 7s"},
		{"decimal", "Retry-After: 1.5", ", pauses 1.5s"},
		{"negative", "Retry-After: -7", ""},
		{"zero", "Retry-After: 0", ""},
		{"huge", "Retry-After: 99999999999999999999", ", pauses 8760h0m0s"},
		{"nonsense", "Retry-After: soon", ""},
		{"empty", "Retry-After:", ""},
		{"twice", "Retry-After: 7\r\nRetry-After: 9", ", pauses 7s"},
		{"date to come", date + "Retry-After: Tue, 03 Nov 2026 10:00:30 GMT", ", pauses 30s"},
		{"date that is over", date + "Retry-After: Tue, 03 Nov 2026 09:00:00 GMT", ""},
		{"date without Date", "Retry-After: Tue, 03 Nov 2099 10:00:30 GMT", ""},
		{"date with a bad Date", "Date: today\r\nRetry-After: Tue, 03 Nov 2026 10:00:30 GMT", ""},
	} {
		slow := ending{isLater, isLater, "slows down" + tc.pause}
		gone := ending{isAgain, isUnknown, "goes on" + tc.pause}
		if tc.pause == "" {
			gone = lost
		}
		kinds = append(kinds,
			kind{name: "429, Retry-After " + tc.name, script: says("HTTP/1.1 429 X\r\n" + tc.header + "\r\n\r\n"), ends: []ending{slow}, posts: 1},
			kind{name: "503, Retry-After " + tc.name, script: says("HTTP/1.1 503 X\r\n" + tc.header + "\r\n\r\n"), ends: []ending{gone}, posts: 1})
	}
	return kinds
}

// tlsKinds have nothing to do with requests, save the last ones, in which TLS is had.
func tlsKinds(t *testing.T) []kind {
	good := identity(t, certOptions{})
	expired, other := identity(t, certOptions{expired: true}), identity(t, certOptions{name: "other.example"})
	old := good.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	asking := good.Clone()
	asking.ClientAuth = tls.RequireAnyClientCert
	within := func(config *tls.Config, script func(*peer)) func(*peer) {
		return func(p *peer) {
			if p.secure(config) {
				script(p)
			}
		}
	}
	trusting := func(config *tls.Config) func(*testing.T, *rawServer, *Client) {
		return func(_ *testing.T, _ *rawServer, c *Client) { trust(c, config) }
	}
	answers := says(okFor + "\r\nGOOD")
	return []kind{
		{name: "TLS, good", script: within(good, answers), setup: trusting(good), ends: []ending{fine}, posts: 1},
		{name: "TLS, untrusted", script: within(good, answers), setup: trusting(&tls.Config{RootCAs: x509.NewCertPool()}), ends: []ending{heldStops}, cause: "the certificate of HOST is not from a trusted authority"},
		{name: "TLS, expired", script: within(expired, answers), setup: trusting(expired), ends: []ending{heldStops}, cause: "the certificate of HOST has expired or is not valid yet"},
		{name: "TLS, wrong host", script: within(other, answers), setup: trusting(other), ends: []ending{heldStops}, cause: "the certificate of HOST is for another name"},
		{name: "TLS 1.0", script: within(old, answers), setup: trusting(good), ends: []ending{unsentFails}, cause: "the connection to HOST failed before the request was sent"},
		{name: "no TLS", script: plain, setup: trusting(good), ends: []ending{unsentFails}, cause: "HOST does not speak TLS"},
		{name: "TLS handshake closed", script: func(p *peer) { _, _ = p.TCPConn.Read(make([]byte, 5)) }, setup: trusting(good), ends: []ending{unsentFails}},
		{name: "TLS handshake reset", script: reset, setup: trusting(good), ends: []ending{unsentFails}},
		{name: "TLS handshake stalls", script: (*peer).idle, setup: func(t *testing.T, s *rawServer, c *Client) { trust(c, good); impatient(t, s, c) }, ends: []ending{unsentFails}, cause: "no connection to HOST within 2s"},
		{name: "TLS server that wants a certificate", script: within(asking, answers), setup: trusting(good), ends: []ending{lost, unsentOnly, unsentFails}},
		{name: "TLS spoken by the server only", script: within(good, answers), ends: []ending{lost}, cause: brokeOff},
		{name: "TLS, closed before the answer", script: within(good, then(func(*peer) {})), setup: trusting(good), ends: []ending{lost}, cause: brokeOff, posts: 1},
		{name: "TLS, garbage in the answer's body", script: within(good, saysAnd(ok+"Content-Length: 999\r\n\r\nGOOD", func(p *peer) { _, _ = io.WriteString(p.TCPConn, "garbage") })), setup: trusting(good), ends: []ending{lost}, cause: cutShort, posts: 1},
	}
}

// plain answers the beginning of TLS as a server without it does.
func plain(p *peer) {
	_, _ = p.TCPConn.Read(make([]byte, 1))
	p.say("HTTP/1.1 400 Bad Request\r\n\r\n")
	_, _ = io.Copy(io.Discard, p.TCPConn) // or the rest of the greeting would make a reset of the close
}

// connect reads the request that a proxy gets, which is none of the vendor's.
func (p *peer) connect() bool {
	req, err := http.ReadRequest(p.r)
	p.server.bytes.Store(0)
	return err == nil && req.Method == http.MethodConnect
}

// through leads the client, which has to speak TLS for it, through a proxy with a password.
func through(c *Client, proxy string) {
	u, err := url.Parse(strings.Replace(proxy, "//", "//user:hunter2@", 1))
	if err != nil {
		panic(err)
	}
	c.base.Scheme = "https"
	c.transport.Proxy = http.ProxyURL(u)
}

func proxied(_ *testing.T, s *rawServer, c *Client) { through(c, s.url) }

func proxySays(text string) func(*peer) {
	return func(p *peer) {
		if p.connect() {
			p.say(text)
		}
	}
}

var proxyKinds = []kind{
	{name: "proxy says 407", script: proxySays("HTTP/1.1 407 " + canary + "\r\nContent-Length: 0\r\n\r\n"), setup: proxied, ends: []ending{unsentFails}, cause: "the proxy does not let us through (407)"},
	{name: "proxy says 502", script: proxySays("HTTP/1.1 502 X\r\n\r\nhunter2"), setup: proxied, ends: []ending{unsentFails}, cause: "the proxy does not let us through (502)"},
	{name: "proxy says garbage", script: proxySays("garbage\r\n\r\n"), setup: proxied, ends: []ending{unsentFails}},
	{name: "proxy closes", script: proxySays(""), setup: proxied, ends: []ending{unsentFails}, cause: "the connection to HOST failed before the request was sent"},
	{name: "proxy closes the tunnel", script: proxySays("HTTP/1.1 200 OK\r\n\r\n"), setup: proxied, ends: []ending{unsentFails}},
	{name: "proxy stalls", script: func(p *peer) { p.connect(); p.idle() }, setup: func(t *testing.T, s *rawServer, c *Client) { proxied(t, s, c); impatient(t, s, c) }, ends: []ending{unsentFails}, cause: "no connection to HOST within 2s"},
	{name: "proxy refuses", setup: func(t *testing.T, s *rawServer, c *Client) { proxied(t, s, c); s.stop() }, ends: []ending{unsentFails}, cause: "cannot connect to the proxy: connection refused"},
}
