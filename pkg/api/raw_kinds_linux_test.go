package api

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// Here listeners can be told how long their queue is.
func init() {
	connectionKinds = append(connectionKinds, kind{
		name: "connect that is never answered", setup: blackhole, ends: []ending{unsentFails}, cause: "no connection to HOST within 2s",
	})
}

// blackhole leads the client to a port that drops whoever wants to connect, as a firewall does: its queue is full.
func blackhole(t *testing.T, _ *rawServer, c *Client) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listen error
	if err := raw.Control(func(fd uintptr) { listen = syscall.Listen(int(fd), 0) }); err != nil || listen != nil {
		t.Fatal(err, listen)
	}
	for range 8 {
		conn, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			c.base.Host = l.Addr().String()
			impatient(t, nil, c)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue never fills up")
}
