package api

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
)

var errSealed = errors.New("connection sealed")

// countedConn counts the bytes that were handed to it. Error texts and the other hooks of httptrace prove nothing about
// what left: they fire when bytes reach net/http's own buffer.
type countedConn struct {
	net.Conn

	mu      sync.Mutex
	written int64
	read    int64
	base    int64 // what had been written when the request got the connection
	stale   int64 // what had been read when the request's first byte was written
	sealed  bool
}

// Write counts on entry, so that no byte can be on the wire and not in the count.
func (c *countedConn) Write(p []byte) (int, error) {
	if !c.admit(len(p)) {
		return 0, errSealed
	}
	return c.Conn.Write(p)
}

func (c *countedConn) admit(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return false
	}
	if c.written == c.base {
		c.stale = c.read
	}
	c.written += int64(n)
	return true
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read += int64(n)
	return n, err
}

// begin counts what is written from now on as the request's.
func (c *countedConn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = c.written
}

// asked tells whether anything has come since a byte of the request was written, and so can be an answer to it.
func (c *countedConn) asked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written > c.base && c.read > c.stale
}

// seal tells finally whether a byte of the request was written: later writes fail, so the transport's write loop can't
// overtake a verdict.
func (c *countedConn) seal() (left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.written > c.base
}

// wire watches one request: which connection it got, and whether the answer can be its own.
type wire struct {
	conn  *countedConn
	early bool
}

// trace's hooks run before RoundTrip returns an answer. TLS handshakes and a proxy's CONNECT are over when the connection
// is had; what TLS writes of its own accord later counts as ours, which errs to the safe side.
//
// A server that sends more than it was asked for leaves bytes in net/http's buffer. They are dropped with the connection
// as soon as they are seen there, but a request that comes first gets them as its answer.
func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			w.conn = counted(info.Conn)
			w.conn.begin()
		},
		GotFirstResponseByte: func() { w.early = !w.conn.asked() },
	}
}

// counted finds our own connection below TLS, or below TLS in TLS to a proxy.
func counted(conn net.Conn) *countedConn {
	for {
		secure, ok := conn.(*tls.Conn)
		if !ok {
			return conn.(*countedConn)
		}
		conn = secure.NetConn()
	}
}

// signs tell whether a byte of the request may have left. They seal the connection, so they are for requests without an
// answer only, whose connection is not used again.
func (w *wire) signs() sign {
	switch {
	case w.conn == nil:
		return apart | stayed
	case w.conn.seal():
		return broke
	}
	return stayed
}
