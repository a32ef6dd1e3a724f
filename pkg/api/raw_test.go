package api

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// rawServer counts the requests that really come over the wire, and does with each connection what its script says.
type rawServer struct {
	url          string
	posts, conns atomic.Int64
	listener     net.Listener

	mu   sync.Mutex
	open map[net.Conn]bool
	done sync.WaitGroup
}

// peer is the server's end of one connection.
type peer struct {
	*net.TCPConn
	server *rawServer
	nth    int64 // connection, from 1
	r      *bufio.Reader
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
	s := &rawServer{url: "http://" + l.Addr().String(), listener: l, open: map[net.Conn]bool{}}
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
		p := &peer{TCPConn: conn.(*net.TCPConn), server: s, nth: s.conns.Add(1), r: bufio.NewReader(conn)}
		s.done.Go(func() {
			defer p.Close()
			script(p)
		})
	}
}

// stop ends everything, so that the counts are final.
func (s *rawServer) stop() {
	s.listener.Close()
	s.mu.Lock()
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
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
	_, err := io.WriteString(p, s)
	return err == nil
}

// hang waits until the other side goes.
func (p *peer) hang() {
	_, _ = io.Copy(io.Discard, p.r)
}

// reset closes with RST.
func (p *peer) reset() error {
	return errors.Join(p.SetLinger(0), p.Close())
}

func answerOf(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}
