package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"batchinvite/pkg/sandbox"
)

func TestStart_refusesAnAddressThatOthersCanReach(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:0":      `start sandbox on "0.0.0.0:0": not a loopback address such as 127.0.0.1:0`,
		":8080":          `start sandbox on ":8080": not a loopback address such as 127.0.0.1:8080`,
		"[::]:8080":      `start sandbox on "[::]:8080": not a loopback address such as 127.0.0.1:8080`,
		"192.0.2.1:80":   `start sandbox on "192.0.2.1:80": not a loopback address such as 127.0.0.1:80`,
		"example.org:80": `start sandbox on "example.org:80": not a loopback address such as 127.0.0.1:80`,
		"127.0.0.1":      `start sandbox: address 127.0.0.1: missing port in address`,
	} {
		s := sandbox.New(sandbox.Config{})
		_, err := s.Start(t.Context(), addr)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close after a refused start: got %v, want nil", err)
		}
	}
}

func TestStart_listensOnLocalhostUntilClose(t *testing.T) {
	s := sandbox.New(sandbox.Config{})
	base, err := s.Start(t.Context(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	host, ok := strings.CutPrefix(strings.TrimSuffix(base, "/api/v2"), "http://")
	if !ok || !strings.HasPrefix(host, "127.0.0.1:") {
		t.Fatalf("base URL: got %s, want http://127.0.0.1:PORT/api/v2", base)
	}
	unused, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	begun := time.Now()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: got %v, want nil", err)
		}
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("close: took %v with a connection that was never used, want 250 ms", took)
	}
	unused.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := unused.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("unused connection after close: got %v, want its end", err)
	}
	if conn, err := net.Dial("tcp", host); err == nil {
		conn.Close()
		t.Error("dial after close: got a connection, want none")
	}
}

func TestStart_endsWithItsContext(t *testing.T) {
	s := sandbox.New(scripted(sandbox.Fault{Kind: sandbox.Hang}))
	ctx, cancel := context.WithCancel(t.Context())
	base, err := s.Start(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := raw(t, base)
	waitFor(t, func() bool { return s.Invitations() == 1 })
	cancel()
	if got := <-ended; got.text != "" || errors.Is(got.err, os.ErrDeadlineExceeded) {
		t.Errorf("hanging call: got %q, %v; want an end without an answer", got.text, got.err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func Example() {
	s := sandbox.New(sandbox.Config{Seed: 1})
	base, err := s.Start(context.Background(), "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(strings.HasSuffix(base, "/api/v2"), s.Calls(), s.Invitations())
	// Output: true 0 0
}
