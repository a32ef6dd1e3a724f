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
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// secureServer offers HTTP/2 and HTTP/1.1 and notes what its requests came with.
type secureServer struct {
	*httptest.Server
	pool   *x509.CertPool
	posts  atomic.Int64
	protos sync.Map
}

func serveTLS(t *testing.T, o certOptions) *secureServer {
	t.Helper()
	cert, pool := certificate(t, o)
	s := &secureServer{pool: pool}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.posts.Add(1)
		s.protos.Store(r.Proto, true)
		fmt.Fprint(w, goodBody)
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestInvite_unverifiedCertificateStopsTheRun(t *testing.T) {
	trusted := func(s *secureServer) *tls.Config { return &tls.Config{RootCAs: s.pool} }
	nobody := func(*secureServer) *tls.Config { return &tls.Config{RootCAs: x509.NewCertPool()} }
	for name, tc := range map[string]struct {
		cert   certOptions
		config func(*secureServer) *tls.Config
		want   string
	}{
		"untrusted":  {certOptions{}, nobody, "is not from a trusted authority"},
		"expired":    {certOptions{expired: true}, trusted, "has expired or is not valid yet"},
		"wrong host": {certOptions{name: "other.example"}, trusted, "is for another name"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveTLS(t, tc.cert)
			c := newClient(t, s.URL)
			c.transport.TLSClientConfig = tc.config(s)
			for _, f := range formats {
				a := c.Invite(t.Context(), candidate(f), "")
				if diff := cmp.Diff(verdict{invite.ClassNotSent, invite.NotSent, false, false, "stops"}, verdictOf(a)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f, diff)
				}
				text := "the certificate of " + c.base.Host + " " + tc.want
				if a.Stop == nil || a.Stop.Reason != text || a.Outcome.Error != "not sent: "+text {
					t.Errorf("%s: got %q and %v, want %q", f, a.Outcome.Error, a.Stop, text)
				}
			}
			if got := s.posts.Load(); got != 0 {
				t.Errorf("server got %d requests, want 0", got)
			}
		})
	}
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

func TestInvite_serverWithoutTLSIsNotSent(t *testing.T) {
	s := serve(t, func(p *peer) { p.say("HTTP/1.1 400 Bad Request\r\n\r\n") })
	c := newClient(t, strings.Replace(s.url, "http:", "https:", 1))
	a := c.Invite(t.Context(), candidate(invite.SendLink), "")
	if want := "not sent: " + c.base.Host + " does not speak TLS"; a.Outcome.Error != want || !a.Retry {
		t.Errorf("got %q, retry %v, want %q, retry true", a.Outcome.Error, a.Retry, want)
	}
}

// throughProxy makes a client for a TLS server behind a proxy.
func throughProxy(t *testing.T, s *secureServer, proxy string) *Client {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s.URL)
	c.transport.TLSClientConfig = &tls.Config{RootCAs: s.pool}
	c.transport.Proxy = http.ProxyURL(u)
	return c
}

func TestInvite_throughAProxy(t *testing.T) {
	s := serveTLS(t, certOptions{})
	proxy := serve(t, func(p *peer) {
		if _, err := http.ReadRequest(p.r); err != nil {
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
	a := throughProxy(t, s, proxy.url).Invite(t.Context(), candidate(invite.SendLink), "")
	if a.Outcome.State != invite.Invited || s.posts.Load() != 1 {
		t.Errorf("%d requests, error %q, want 1 and none", s.posts.Load(), a.Outcome.Error)
	}
}

func TestInvite_proxyFailureIsNotSent(t *testing.T) {
	s := serveTLS(t, certOptions{})
	refusing := serve(t, func(p *peer) {
		if _, err := http.ReadRequest(p.r); err == nil {
			p.say("HTTP/1.1 407 " + canary + "\r\nContent-Length: 0\r\n\r\n")
		}
	})
	closing := serve(t, func(p *peer) { _, _ = http.ReadRequest(p.r) })
	gone := serve(t, func(*peer) {})
	gone.stop()
	for proxy, want := range map[string]string{
		strings.Replace(refusing.url, "//", "//user:hunter2@", 1): "not sent: the proxy does not let us through (407)",
		strings.Replace(gone.url, "//", "//user:hunter2@", 1):     "not sent: cannot connect to the proxy: connection refused",
		closing.url: "not sent: the connection to " + s.Listener.Addr().String() + " failed before the request was sent",
	} {
		a := throughProxy(t, s, proxy).Invite(t.Context(), candidate(invite.SendLink), "")
		if a.Outcome.Error != want || a.Class != invite.ClassNotSent || !a.Retry {
			t.Errorf("class %q, retry %v, error %q, want %q", a.Class, a.Retry, a.Outcome.Error, want)
		}
	}
	if got := s.posts.Load(); got != 0 {
		t.Errorf("server got %d requests, want 0", got)
	}
}
