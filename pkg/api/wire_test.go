package api

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"testing"
)

// gate is a connection whose writes wait.
type gate struct {
	net.Conn
	entered, leave chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	close(g.entered)
	<-g.leave
	return len(p), nil
}

func gotConn(conn net.Conn) *wire {
	w := new(wire)
	w.trace().GotConn(httptrace.GotConnInfo{Conn: conn})
	return w
}

func TestWire_countsOnEntry(t *testing.T) {
	g := &gate{entered: make(chan struct{}), leave: make(chan struct{})}
	conn := &countedConn{Conn: g}
	w := gotConn(conn)
	done := make(chan error)
	go func() {
		_, err := conn.Write([]byte("POST"))
		done <- err
	}()
	<-g.entered
	if w.signs() != broke {
		t.Error("a write is under way, but nothing is said to have left")
	}
	close(g.leave)
	if err := <-done; err != nil {
		t.Errorf("the write that had begun: %v", err)
	}
}

func TestWire_verdictSealsTheConnection(t *testing.T) {
	g := &gate{entered: make(chan struct{}), leave: make(chan struct{})}
	close(g.leave)
	conn := &countedConn{Conn: g}
	if gotConn(conn).signs() != stayed {
		t.Fatal("nothing was written, but something is said to have left")
	}
	if _, err := conn.Write([]byte("POST")); !errors.Is(err, errSealed) {
		t.Errorf("write after the verdict: %v, want %v", err, errSealed)
	}
	select {
	case <-g.entered:
		t.Error("bytes went out after the verdict that none had")
	default:
	}
}

func TestWire_withoutConnectionNothingLeft(t *testing.T) {
	if new(wire).signs() != apart|stayed {
		t.Error("there was no connection, but something is said to have left")
	}
}

// What a kept connection carried before is not this request's.
func TestWire_countsFromTheMomentTheConnectionIsHad(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	conn := &countedConn{Conn: near}
	if _, err := conn.Write([]byte("an earlier request")); err != nil {
		t.Fatal(err)
	}
	if gotConn(conn).signs() != stayed {
		t.Error("the bytes of an earlier request count for this one")
	}
}

// The first byte of an answer has to come in after the first of the request went out.
func TestWire_answerFromBeforeIsEarly(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	conn := &countedConn{Conn: near}
	arrive := func() {
		go io.WriteString(far, "H")
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	w := new(wire)
	first := func() bool {
		w.trace().GotFirstResponseByte()
		return w.early
	}
	arrive()
	w.trace().GotConn(httptrace.GotConnInfo{Conn: conn})
	if arrive(); !first() {
		t.Error("an answer counts though nothing was asked")
	}
	go io.ReadFull(far, make([]byte, 4))
	if _, err := conn.Write([]byte("POST")); err != nil {
		t.Fatal(err)
	}
	if !first() {
		t.Error("an answer counts though it was there before the request")
	}
	if arrive(); first() {
		t.Error("an answer that came after the request does not count")
	}
}

func TestWire_seesThroughTLS(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	cert, pool := certificate(t, certOptions{name: "vendor.example"})
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, server)
		far.Close()
	}()
	conn := &countedConn{Conn: near}
	secure := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: "vendor.example"})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	before, after := gotConn(secure), gotConn(tls.Client(secure, &tls.Config{ServerName: "vendor.example"}))
	if before.conn != conn || after.conn != conn || conn.base == 0 {
		t.Errorf("got connections %p and, with TLS in TLS, %p, and %d bytes of the handshake, want %p and more than 0", before.conn, after.conn, conn.base, conn)
	}
	if _, err := secure.Write([]byte("POST")); err != nil {
		t.Fatal(err)
	}
	if before.signs() != broke || after.signs() != broke {
		t.Error("a write through TLS does not count")
	}
	near.Close()
	<-done
}
