package sheet

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sample = "Name,Email\nAnn,ann@example.org\n"

func copyOf(t *testing.T, content string) *Snapshot {
	t.Helper()
	s, err := Copy(t.Context(), "candidates.csv", strings.NewReader(content))
	if err != nil {
		t.Fatalf("copy: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func gzipped(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestCopy_outlivesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "candidates.csv")
	if err := os.WriteFile(path, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Copy(t.Context(), path, f)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.Close()
	if err := os.WriteFile(path, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s); got != sample {
		t.Errorf("copy = %q, want %q", got, sample)
	}
}

func TestCopy_leavesNothingInTheTemporaryFolder(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	for _, leftover := range []string{snapshotName + "123", "somebody-else's"} {
		if err := os.WriteFile(filepath.Join(folder, leftover), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := copyOf(t, sample)
	var got []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := []string{"somebody-else's"}; !cmp.Equal(got, want) {
		t.Errorf("while the copy is open the folder has %q, want %q", got, want)
	}
	info, err := s.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode = %o, want 600", got)
	}
}

func TestCopy_removesAtCloseWhatTheSystemKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := copyOf(t, sample)
	// As on a system that keeps the names of open files.
	s.path = filepath.Join(os.TempDir(), snapshotName+"kept")
	if err := os.WriteFile(s.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if _, err := os.Stat(s.path); !os.IsNotExist(err) {
		t.Errorf("after close: %v, want the file gone", err)
	}
}

func TestCopy_decompressesGzipByItsFirstBytes(t *testing.T) {
	packed := gzipped(t, "Name,Em") + gzipped(t, "ail\nAnn,ann@example.org\n") // two members, as pigz and cat make
	s := copyOf(t, packed)
	if got := readAll(t, s); got != sample {
		t.Errorf("copy = %q, want %q", got, sample)
	}
	if got, want := s.Hash, hashOf(packed); got != want {
		t.Errorf("hash = %s, want %s, that of the packed bytes", got, want)
	}
	if got, want := copyOf(t, sample).Hash, hashOf(sample); got != want {
		t.Errorf("hash of plain text = %s, want %s", got, want)
	}
}

func TestCopy_countsRows(t *testing.T) {
	person := strings.Repeat("x", 20)
	tests := map[string]int{
		person:                                 1,
		person + "\n" + person + "\n":          3,
		person + "\r\n" + person + "\r\n":      3,
		person + "\r" + person + "\r" + person: 3,
		person + "\n\r\n" + person + "\r\r" + person + "\r\n\r":                 7,
		person + ",\"a\n\nb\n\"\n" + person + ",\"\"\"\n\n\"\n\"x\"\n" + person: 4,
		strings.Repeat("\n", 80): 11, // fewer have room
		"5\" disk\n" + strings.Repeat(person+"\n", 7) + "5\" disk\n" + person + "\n" + "x": 11, // it opens nothing
	}
	for content, want := range tests {
		if got := copyOf(t, content).Rows; got != want {
			t.Errorf("rows of %q = %d, want %d", content, got, want)
		}
		// One byte at a time: line ends that fall between two reads.
		s, err := Copy(t.Context(), "-", iotest.OneByteReader(strings.NewReader(content)))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if s.Rows != want {
			t.Errorf("rows of %q byte by byte = %d, want %d", content, s.Rows, want)
		}
	}
}

func TestCopy_canBeReadByManyAtOnce(t *testing.T) {
	content := strings.Repeat(sample, 5000)
	s := copyOf(t, content)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := readAll(t, s); got != content {
				t.Error("a concurrent reader saw other bytes")
			}
		})
	}
	wg.Wait()
}

func readAll(t *testing.T, s *Snapshot) string {
	b, err := io.ReadAll(s.Reader())
	if err != nil {
		t.Errorf("read the copy: %v", err)
	}
	return string(b)
}

func TestCopy_refusesWhatItCannotRead(t *testing.T) {
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	writeOnly, err := os.OpenFile(filepath.Join(t.TempDir(), "x"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer writeOnly.Close()
	packed := gzipped(t, sample)
	tests := []struct {
		name string
		r    io.Reader
		want string
	}{
		{"folder", folder, "x.csv: is a folder, not a file"},
		{"empty", strings.NewReader(""), "x.csv: is empty"},
		{"empty gzip", strings.NewReader(gzipped(t, "")), "x.csv: is empty"},
		{"not readable", writeOnly, "x.csv: can't be read: bad file descriptor"},
		{"error in the middle", io.MultiReader(strings.NewReader("Name"), iotest.ErrReader(errors.New("disk on fire"))),
			"x.csv: can't be read: disk on fire"},
		{"cut gzip", strings.NewReader(packed[:len(packed)-9]), "x.csv: ends too early, as a gzip file does that was cut"},
		{"gzip that ends in its header", strings.NewReader(packed[:3]), "x.csv: ends too early, as a gzip file does that was cut"},
		{"damaged gzip", strings.NewReader(packed[:len(packed)-8] + "12345678"), "x.csv: can't be read: gzip: invalid checksum"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			_, err := Copy(t.Context(), "x.csv", test.r)
			if _, ok := errors.AsType[*Error](err); !ok || err.Error() != test.want {
				t.Errorf("error = %v (%T), want the *Error %s", err, err, test.want)
			}
			if entries, _ := os.ReadDir(os.TempDir()); len(entries) > 0 {
				t.Errorf("left %v behind", entries)
			}
		})
	}
}

func TestCopy_stopsWhenTheContextIsDoneThoughTheReaderBlocks(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	in, out := io.Pipe()
	defer out.Close() // lets go of the read that is left behind
	blocked := readerFunc(func(p []byte) (int, error) {
		cancel(errors.New("interrupted"))
		return in.Read(p)
	})
	_, err := Copy(ctx, "-", io.MultiReader(strings.NewReader(sample), blocked))
	if got, want := fmt.Sprint(err), "read -: interrupted"; got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
	if _, ok := errors.AsType[*Error](err); ok {
		t.Error("it blames the input")
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestCopy_endsItsGoroutineWhenTheContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	// goleak looks after the goroutine.
	if _, err := Copy(ctx, "-", endless); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}
