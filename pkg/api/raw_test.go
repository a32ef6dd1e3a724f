package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rawServer counts the requests that really come over the wire, and does with each connection what its script says.
type rawServer struct {
	url                 string
	conns, bytes, posts atomic.Int64 // accepted, read of requests, and requests read as a whole
	listener            net.Listener

	closing chan struct{} // closed by stop
	mu      sync.Mutex
	open    map[net.Conn]bool
	done    sync.WaitGroup
}

// peer is the server's end of one connection.
type peer struct {
	*net.TCPConn
	server *rawServer
	nth    int64 // connection, from 1
	r      *bufio.Reader
	w      io.Writer
	last   *http.Request
	body   []byte
}

// serve runs script for every connection and closes that afterwards.
func serve(t testing.TB, script func(*peer)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{url: "http://" + l.Addr().String(), listener: l, open: map[net.Conn]bool{}, closing: make(chan struct{})}
	s.done.Go(func() { s.accept(script) })
	t.Cleanup(s.stop)
	return s
}

func (s *rawServer) accept(script func(*peer)) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[conn] = true
		s.mu.Unlock()
		p := &peer{TCPConn: conn.(*net.TCPConn), server: s, nth: s.conns.Add(1)}
		p.over(p.TCPConn)
		s.done.Go(func() {
			defer p.Close()
			script(p)
		})
	}
}

// stop ends everything, so that the counts are final.
func (s *rawServer) stop() {
	if s.listener.Close() == nil {
		close(s.closing)
	}
	s.mu.Lock()
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// over makes the peer talk over a connection, which is its own or TLS on it, and count what it reads there.
func (p *peer) over(conn net.Conn) {
	p.r, p.w = bufio.NewReader(countingReader{conn, &p.server.bytes}), conn
}

type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.n.Add(int64(n))
	return n, err
}

// receive reads one whole request and counts it; false when there is none.
func (p *peer) receive() bool {
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return false
	}
	if p.body, err = io.ReadAll(req.Body); err != nil {
		return false
	}
	p.last = req
	p.server.posts.Add(1)
	return true
}

// say writes raw bytes; false when nobody takes them any more.
func (p *peer) say(s string) bool {
	_, err := io.WriteString(p.w, s)
	return err == nil
}

// hang waits until the other side goes.
func (p *peer) hang() {
	_, _ = io.Copy(io.Discard, p.r)
}

// idle reads nothing until the server stops.
func (p *peer) idle() {
	<-p.server.closing
}

// drip writes a text byte by byte, until the client goes.
func (p *peer) drip(text string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range len(text) {
		<-tick.C
		if !p.say(text[i : i+1]) {
			return
		}
	}
}

// good is the body that the last request hopes for.
func (p *peer) good() string {
	if strings.HasSuffix(p.last.URL.Path, revokePath) {
		return `{"status":"REVOKED"}`
	}
	return goodBody
}

// reset closes with RST.
func (p *peer) reset() error {
	return errors.Join(p.SetLinger(0), p.Close())
}

func answerOf(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}
