package sheet

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"batchinvite/pkg/invite"
)

func BenchmarkRows(b *testing.B) {
	const rows = 50_000
	var file bytes.Buffer
	file.WriteString("Full Name,E-mail,Assessment ID,Format,Expires,City,Phone,Notes\n")
	for i := range rows {
		fmt.Fprintf(&file, "Ann Example %d,ann.%d@example.org,4711,sendlink,2030-01-31 18:30,Zürich,+41 44 000 00 00,\"likes tea, %d\"\n", i, i, i)
	}
	snapshot, err := Copy(context.Background(), "candidates.csv", bytes.NewReader(file.Bytes()))
	if err != nil {
		b.Fatal(err)
	}
	defer snapshot.Close()
	s, err := Open(snapshot, Options{Campaign: "default", Zones: invite.AsWritten})
	if err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		for row, err := range s.Rows() {
			if err != nil || row.Problem != nil {
				b.Fatal(err, row.Problem)
			}
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/rows, "B/row") // all of it garbage soon
}
