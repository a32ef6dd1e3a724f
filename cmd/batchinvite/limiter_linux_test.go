package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// limiter is rate-limiting software that others wrote, as it is set up in front of a vendor.
type limiter struct {
	name    string
	burst   bool
	calls   int // so many,
	seconds int // in so many
	refusal int // the status of what is refused
	command func(t *testing.T, l limiter, s site) *exec.Cmd
	options string // of that software's own
}

// site is where a limiter works. It serves on the socket that it inherits as descriptor 3: nobody else can have taken the
// port, and whoever calls before it is ready only waits.
type site struct {
	dir, address, vendor, log string
}

// nginx has no headers that tell of its limit, and no Retry-After.
func nginx(t *testing.T, l limiter, s site) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not in the path of everybody
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("nginx is missing, install nginx-light")
	}
	// The user matters to root only: nobody else's worker may use the folder.
	config := fmt.Sprintf(`
daemon off;
user root root;
pid nginx.pid;
error_log stderr;
events {}
http {
	log_format answers '$msec $status';
	access_log %s answers;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	limit_req_zone $http_apikey zone=keys:1m rate=%dr/s;
	limit_req_status %d;
	limit_req_log_level info;
	server {
		listen %s;
		location = /ready { access_log off; return 204; }
		location / { limit_req zone=keys %s; proxy_next_upstream off; proxy_pass %s; }
	}
}
`, s.log, l.calls/l.seconds, l.refusal, s.address, l.options, s.vendor)
	file := filepath.Join(s.dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-e", "stderr", "-p", s.dir, "-c", file)
	cmd.Env = append(os.Environ(), "NGINX=3;") // what it has to listen on is there already
	return cmd
}

// express tells of its limit in the headers of every answer, in the form that the options name.
func express(t *testing.T, l limiter, s site) *exec.Cmd {
	t.Helper()
	server, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", server)
	cmd.Env = append(os.Environ(), "VENDOR="+s.vendor, "LOG="+s.log, fmt.Sprint("CALLS=", l.calls), fmt.Sprint("SECONDS=", l.seconds), "HEADERS="+l.options)
	return cmd
}

// installed is the server of testdata/ratelimit, once for all tests.
var installed = sync.OnceValues(func() (server string, err error) {
	dir, err := npmInstalled("ratelimit")
	return filepath.Join(dir, "server.mjs"), err
})

// answer is what a limiter said to a call, and when.
type answer struct {
	at     float64 // seconds
	status int
}

// behind puts a limiter between the program and the vendor. What it answered is known once it is stopped.
func (w *world) behind(l limiter) (stop func() []answer) {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		w.t.Fatal(err)
	}
	defer socket.Close()
	address := listener.Addr().String()
	dir := w.t.TempDir()
	answers := filepath.Join(dir, "answers")
	var talk bytes.Buffer
	cmd := l.command(w.t, l, site{dir, address, strings.TrimSuffix(w.url, "/api/v2"), answers})
	cmd.Stderr, cmd.ExtraFiles = &talk, []*os.File{socket}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // killed, nginx would leave its worker behind
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	w.t.Cleanup(end)
	listener.Close() // or a call would wait for a limiter that has died
	socket.Close()
	w.url = "http://" + address + "/api/v2"
	client := http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	ready, err := client.Get("http://" + address + "/ready")
	if err != nil || ready.StatusCode != http.StatusNoContent {
		end()
		w.t.Fatalf("%s does not work: %v\n%s", l.name, err, talk.String())
	}
	return func() []answer {
		end()
		return w.answers(answers)
	}
}

func (w *world) answers(file string) (all []answer) {
	w.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var a answer
		if _, err := fmt.Sscan(line, &a.at, &a.status); err != nil {
			w.t.Fatalf("%q: %v", line, err)
		}
		all = append(all, a)
	}
	return all
}
