package api

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"batchinvite/pkg/invite"
)

type certOptions struct {
	name    string // "" = 127.0.0.1
	expired bool
}

// certificate makes a certificate of its own authority, and the pool that trusts it.
func certificate(t *testing.T, o certOptions) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if o.name == "" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.DNSNames = []string{o.name}
	}
	if o.expired {
		template.NotAfter = time.Now().Add(-24 * time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// identity is the configuration of a server with such a certificate; its RootCAs are for the client.
func identity(t *testing.T, o certOptions) *tls.Config {
	cert, pool := certificate(t, o)
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool}
}

// secure begins TLS; false if the client does not want to.
func (p *peer) secure(config *tls.Config) bool {
	conn := tls.Server(p.TCPConn, config)
	if conn.Handshake() != nil {
		return false
	}
	p.over(conn)
	return true
}

// trust makes the client speak TLS, and trust whom the configuration names.
func trust(c *Client, config *tls.Config) {
	c.base.Scheme = "https"
	c.transport.TLSClientConfig = &tls.Config{RootCAs: config.RootCAs}
}

// secureServer offers HTTP/2 and HTTP/1.1 and notes what its requests came with.
type secureServer struct {
	*httptest.Server
	pool   *x509.CertPool
	posts  atomic.Int64
	protos sync.Map
}

func serveTLS(t *testing.T, o certOptions) *secureServer {
	t.Helper()
	config := identity(t, o)
	s := &secureServer{pool: config.RootCAs}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.posts.Add(1)
		s.protos.Store(r.Proto, true)
		fmt.Fprint(w, goodBody)
	}))
	s.EnableHTTP2 = true
	s.TLS = config
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestInvite_speaksOnlyHTTP1(t *testing.T) {
	s := serveTLS(t, certOptions{})
	c := newClient(t, s.URL)
	c.transport.TLSClientConfig = &tls.Config{RootCAs: s.pool}
	for range 3 {
		if a := c.Invite(t.Context(), candidate(invite.GetLink), ""); a.Outcome.State != invite.Invited {
			t.Fatal(a.Outcome.Error)
		}
	}
	if _, ok := s.protos.LoadAndDelete("HTTP/1.1"); !ok || s.posts.Load() != 3 {
		t.Errorf("%d requests, with HTTP/1.1: %v, want 3 of them", s.posts.Load(), ok)
	}
	// The control: this server would speak HTTP/2.
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, ok := s.protos.Load("HTTP/2.0"); !ok {
		t.Error("the server does not offer HTTP/2, so this test proves nothing")
	}
}

func TestInvite_throughAProxy(t *testing.T) {
	s := serveTLS(t, certOptions{})
	proxy := serve(t, func(p *peer) {
		if !p.connect() {
			return
		}
		target, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			return
		}
		defer target.Close()
		p.say("HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(target, p.r)
			target.Close()
		}()
		_, _ = io.Copy(p, bufio.NewReader(target))
	})
	c := newClient(t, s.URL)
	c.transport.TLSClientConfig = &tls.Config{RootCAs: s.pool}
	through(c, proxy.url)
	a := c.Invite(t.Context(), candidate(invite.SendLink), "")
	if a.Outcome.State != invite.Invited || s.posts.Load() != 1 {
		t.Errorf("%d requests, error %q, want 1 and none", s.posts.Load(), a.Outcome.Error)
	}
}
