package api

import (
	"strings"
	"testing"
	"time"

	"batchinvite/pkg/invite"
)

func options() Options {
	return Options{BaseURL: "https://vendor.example/api/v2", Key: "secret", KeyHeader: "apiKey", Timeout: time.Second, Workers: 1}
}

func TestNew_joinsThePath(t *testing.T) {
	for base, want := range map[string]string{
		"https://vendor.example":                "https://vendor.example/assessments/invite",
		"https://vendor.example/":               "https://vendor.example/assessments/invite",
		"https://vendor.example/api/v2":         "https://vendor.example/api/v2/assessments/invite",
		"https://vendor.example/api/v2/":        "https://vendor.example/api/v2/assessments/invite",
		"HTTPS://vendor.example:8443/a%2Fb/v2/": "https://vendor.example:8443/a%2Fb/v2/assessments/invite",
		"http://127.0.0.1:8080/v2":              "http://127.0.0.1:8080/v2/assessments/invite",
		"http://127.3.2.1":                      "http://127.3.2.1/assessments/invite",
		"http://[::1]:8080":                     "http://[::1]:8080/assessments/invite",
		"http://localhost:8080":                 "http://localhost:8080/assessments/invite",
	} {
		o := options()
		o.BaseURL = base
		c, err := New(o)
		if err != nil {
			t.Errorf("New with %q: %v", base, err)
			continue
		}
		u := c.request(t.Context(), c.invitation(candidate(invite.GetLink), "")).URL
		if got := u.String(); got != want || u.RequestURI()[0] != '/' {
			t.Errorf("New with %q posts to %q, %q, want %q", base, got, u.RequestURI(), want)
		}
	}
}

func TestNew_refusesBaseURL(t *testing.T) {
	for base, want := range map[string]string{
		"":                                 "base URL is missing",
		"vendor.example":                   "base URL does not begin with https://",
		"127.0.0.1:80":                     "base URL can't be read: first path segment in URL cannot contain colon",
		"localhost:80":                     "base URL does not begin with https://",
		"ftp://vendor.example":             "base URL does not begin with https://",
		"https://":                         "base URL has no host",
		"https:///api":                     "base URL has no host",
		"https:vendor.example":             "base URL has no host",
		"https://vendor.example:port":      `base URL can't be read: invalid port ":port" after host`,
		"https://vendor.example:0":         `base URL "https://vendor.example:0" has no valid port`,
		"https://vendor.example:65536":     `base URL "https://vendor.example:65536" has no valid port`,
		"https://ann:pass@vendor.example":  "base URL has a user name in it, the API key goes elsewhere",
		"https://ann:pa ss@vendor.example": "base URL can't be read: net/url: invalid userinfo",
		"https://vendor.example?key=pass":  "base URL has a query or fragment, it ends with its path",
		"https://vendor.example?":          "base URL has a query or fragment, it ends with its path",
		"https://vendor.example#pass":      "base URL has a query or fragment, it ends with its path",
		"http://vendor.example":            `base URL "http://vendor.example" is not encrypted, use https (http is for loopback addresses)`,
		"http://localhost.example":         `base URL "http://localhost.example" is not encrypted, use https (http is for loopback addresses)`,
		"http://128.0.0.1":                 `base URL "http://128.0.0.1" is not encrypted, use https (http is for loopback addresses)`,
	} {
		o := options()
		o.BaseURL = base
		_, err := New(o)
		if err == nil || err.Error() != want {
			t.Errorf("New with %q:\n got %v\nwant %s", base, err, want)
		}
	}
}

func TestNew_refusesOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"API key is empty": func(o *Options) { o.Key = "" },
		"API key has characters in it that are not printable ASCII":                           func(o *Options) { o.Key = "sec\nret" },
		"API key begins or ends with a space":                                                 func(o *Options) { o.Key = "secret " },
		`"" is not the name of a request header`:                                              func(o *Options) { o.KeyHeader = "" },
		`"api key" is not the name of a request header`:                                       func(o *Options) { o.KeyHeader = "api key" },
		`"a:b" is not the name of a request header`:                                           func(o *Options) { o.KeyHeader = "a:b" },
		"request header Host has a meaning of its own, the API key can't go there":            func(o *Options) { o.KeyHeader = "host" },
		"request header Idempotency-Key has a meaning of its own, the API key can't go there": func(o *Options) { o.KeyHeader = "idempotency-key" },
		"timeout 0s is not above 0":                                                           func(o *Options) { o.Timeout = 0 },
		"0 workers are too few, use 1 or more":                                                func(o *Options) { o.Workers = 0 },
		`user agent "a\nb" has control characters in it`:                                      func(o *Options) { o.UserAgent = "a\nb" },
	} {
		o := options()
		change(&o)
		_, err := New(o)
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestNew_keepsTheKeyOutOfErrors(t *testing.T) {
	for _, key := range []string{"s3cr3t\n", "s3cr3t\x00", "\ufeffs3cr3t", "s3cr3t\x7f", "s3cr3t\t", " s3cr3t", "s3cr3té"} {
		o := options()
		o.Key = key
		_, err := New(o)
		if err == nil {
			t.Errorf("key %q is accepted", key)
		} else if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the key is in %q", err)
		}
	}
}
