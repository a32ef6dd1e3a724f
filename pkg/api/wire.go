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
	c.written += int64(n)
	return true
}

func (c *countedConn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// seal gives the final count: later writes fail, so the transport's write loop can't overtake a verdict.
func (c *countedConn) seal() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.written
}

// wire watches one request: which connection it got, and what had been written to that before.
type wire struct {
	conn *countedConn
	base int64
}

// trace's hook runs in the goroutine of RoundTrip. TLS handshakes and a proxy's CONNECT are over by then; what TLS
// writes of its own accord later counts as ours, which errs to the safe side.
func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		w.conn = counted(info.Conn)
		w.base = w.conn.count()
	}}
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

// signs tell whether a byte of the request may have left. They seal the connection, so they are for failed requests
// only, whose connection is not used again.
func (w *wire) signs() sign {
	switch {
	case w.conn == nil:
		return apart | stayed
	case w.conn.seal() == w.base:
		return stayed
	}
	return broke
}
