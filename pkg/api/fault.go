package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
)

// failure describes a call that got no answer. The counter alone says whether the request left.
func (c *Client) failure(ctx, callCtx context.Context, err error, s sign) reply {
	if s == broke {
		return reply{signs: s, fault: c.explainBreak(ctx, callCtx)}
	}
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unverified):
		return reply{signs: untrusted | s, fault: explain(err, c.base.Host)}
	case ctx.Err() != nil:
		return reply{signs: s, fault: "the call was aborted"}
	case callCtx.Err() != nil:
		return reply{signs: s, fault: fmt.Sprintf("no connection to %s within %s", c.base.Host, c.timeout)}
	}
	return reply{signs: s, fault: explain(err, c.base.Host)}
}

func (c *Client) explainBreak(ctx, callCtx context.Context) string {
	switch {
	case ctx.Err() != nil:
		return "the call was aborted after the request had left"
	case callCtx.Err() != nil:
		return fmt.Sprintf("no answer came within %s", c.timeout)
	}
	return "the connection broke after the request had left"
}

// explain puts into plain words why there is no connection. It quotes no error of net/http, since those may have a
// proxy's password in them.
func explain(err error, host string) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		err, host = op.Err, "the proxy"
	}
	var (
		proxy   proxyError
		dns     *net.DNSError
		system  *os.SyscallError
		network net.Error
	)
	switch {
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("the name %s is not known (DNS)", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s could not be looked up (DNS)", dns.Name)
	case errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("cannot connect to %s: no answer within %s", host, dialTimeout)
	case errors.As(err, &system):
		return fmt.Sprintf("cannot connect to %s: %s", host, system.Err)
	}
	return explainTLS(err, host)
}

func explainTLS(err error, host string) string {
	var (
		unverified *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		invalid    x509.CertificateInvalidError
		name       x509.HostnameError
		record     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is not from a trusted authority", host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s has expired or is not valid yet", host)
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is for another name", host)
	case errors.As(err, &unverified):
		return fmt.Sprintf("the certificate of %s can't be verified", host)
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak TLS", host)
	}
	return fmt.Sprintf("the connection to %s failed before the request was sent", host)
}

// proxyError is the status of a proxy that does not let us through.
type proxyError int

func (e proxyError) Error() string {
	return fmt.Sprintf("the proxy does not let us through (%d)", int(e))
}

// refusedByProxy keeps the status as a number, where net/http would make a text of it.
func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyError(resp.StatusCode)
	}
	return nil
}
