package sheet

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

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

// BenchmarkXLSX is check's way through a workbook: it is converted, and each row checked. The peak is of the heap.
func BenchmarkXLSX(b *testing.B) {
	const rows = 100_000
	data := book(b, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		must(err)
		must(w.SetRow("A1", []any{"Full Name", "E-mail", "Assessment ID", "Format", "Expires", "City", "Phone", "Notes"}))
		due := time.Date(2030, 1, 31, 18, 30, 0, 0, time.UTC)
		for i := range rows {
			must(w.SetRow(fmt.Sprintf("A%d", i+2), []any{fmt.Sprintf("Ann Example %d", i), fmt.Sprintf("ann.%d@example.org", i), 4711,
				"sendlink", due, "Zürich", "+41 44 000 00 00", fmt.Sprintf("likes tea, %d", i)}))
		}
		must(w.Flush())
	})
	snapshot := snapshotOf(b, data)
	runtime.GC()
	var before, peak runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		s, err := Open(snapshot, Options{Campaign: "default", Zones: invite.AsWritten})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for row, err := range s.Rows() {
			if err != nil || row.Problem != nil {
				b.Fatal(err, row.Problem)
			}
			if n++; n%10_000 == 0 {
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak.HeapInuse = max(peak.HeapInuse, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
			}
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(peak.HeapInuse)/(1<<20), "peak-MiB")
}
