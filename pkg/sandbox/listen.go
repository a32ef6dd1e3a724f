package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// grace is how long answers under way may take to leave when the server stops. Without a limit, connections that a
// client opened and never used would hold the stop up for 5 s.
const grace = 250 * time.Millisecond

// Start listens on a loopback address such as 127.0.0.1:0, and gives the base URL for a client. It is called at most
// once. The server ends with ctx or with Close; call Close in either case, which waits for the end.
func (s *Server) Start(ctx context.Context, addr string) (baseURL string, err error) {
	addr, err = loopback(addr)
	if err != nil {
		return "", err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("start sandbox: %w", err)
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.served = make(chan error, 1)
	go func() { s.served <- s.server.Serve(ln) }()
	context.AfterFunc(ctx, func() { _ = s.Close() }) // whoever calls Close gets the same error
	return "http://" + ln.Addr().String() + "/api/v2", nil
}

// loopback refuses an address that another machine could reach: the stand-in is open to everybody who can.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("start sandbox: %w", err)
	}
	if host == "localhost" {
		host = "127.0.0.1" // whatever a hosts file makes of it
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", fmt.Errorf("start sandbox on %q: not a loopback address such as 127.0.0.1:%s", addr, port)
	}
	return net.JoinHostPort(host, port), nil
}

// stop ends what Start began, if it was called.
func (s *Server) stop() error {
	if s.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve sandbox: %w", err)
	}
	return nil
}
