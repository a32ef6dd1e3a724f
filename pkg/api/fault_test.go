package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	proxy := func(err error) error { return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err} }
	unverified := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for _, tc := range []struct {
		err  error
		want string
	}{
		{dial(&net.DNSError{Name: "vendor.example", IsNotFound: true}), "the name vendor.example is not known (DNS)"},
		{dial(&net.DNSError{Name: "vendor.example", IsTimeout: true}), "the name vendor.example could not be looked up (DNS)"},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "cannot connect to host:443: no route to host"},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), "cannot connect to host:443: no answer within 20s"},
		{dial(context.DeadlineExceeded), "cannot connect to host:443: no answer within 20s"},
		{proxy(dial(&net.DNSError{Name: "proxy.example", IsNotFound: true})), "the name proxy.example is not known (DNS)"},
		{proxy(dial(os.NewSyscallError("connect", syscall.ENETUNREACH))), "cannot connect to the proxy: network is unreachable"},
		{proxy(unverified(x509.UnknownAuthorityError{})), "the certificate of the proxy is not from a trusted authority"},
		{proxyError(502), "the proxy does not let us through (502)"},
		{unverified(x509.CertificateInvalidError{Reason: x509.Expired}), "the certificate of host:443 has expired or is not valid yet"},
		{unverified(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "the certificate of host:443 can't be verified"},
		{unverified(errors.New("any")), "the certificate of host:443 can't be verified"},
		{errors.New("https://user:hunter2@proxy"), "the connection to host:443 failed before the request was sent"},
	} {
		if got := explain(tc.err, "host:443"); got != tc.want {
			t.Errorf("explain(%v)\n got %q\nwant %q", tc.err, got, tc.want)
		}
	}
}
