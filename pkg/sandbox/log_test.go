package sandbox_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

func TestLog_isWrittenAsJSONLines(t *testing.T) {
	s, c := start(t, sandbox.Config{Script: func(_ sandbox.Key, attempt int) sandbox.Fault {
		return map[int]sandbox.Fault{2: {Kind: sandbox.ErrorBefore}, 3: {Kind: sandbox.ResetAfter}}[attempt]
	}})
	for range 3 {
		c.do(strings.Replace(ann, "Ann", "Ann & Zoë", 1))
	}
	c.do("{}")
	var got bytes.Buffer
	if err := s.WriteLog(&got); err != nil {
		t.Fatal(err)
	}
	known := `"assessment_id":4711,"email":"ann@example.org","attempt":N,"name":"Ann & Zoë","format":"sendlink","expiry":"2030-12-31 18:30"`
	want := strings.Join([]string{
		`{"at":T,` + strings.Replace(known, "N", "1", 1) + `,"acted":true,"status":200,"link":L}`,
		`{"at":T,` + strings.Replace(known, "N", "2", 1) + `,"acted":false,"status":500,"fault":"500-before","error":"sandbox fault 500-before"}`,
		`{"at":T,` + strings.Replace(known, "N", "3", 1) + `,"acted":true,"status":0,"fault":"reset-after","link":L}`,
		`{"at":T,"acted":false,"status":400,"error":"candidate_name is missing"}`,
		"",
	}, "\n")
	masked := regexp.MustCompile(`"at":"[0-9T:.-]+Z"`).ReplaceAllString(got.String(), `"at":T`)
	masked = regexp.MustCompile(`"link":"https://[0-9a-f]{32}\.sandbox\.invalid"`).ReplaceAllString(masked, `"link":L`)
	if diff := cmp.Diff(want, masked); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteLog_saysThatTheDiskIsFull(t *testing.T) {
	s, c := start(t, sandbox.Config{})
	c.do(ann)
	err := s.WriteLog(full{})
	if !errors.Is(err, errFull) || err.Error() != "write sandbox log: disk full" {
		t.Errorf("got %v, want write sandbox log: disk full", err)
	}
}
