package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"batchinvite/pkg/sandbox"
)

// BenchmarkMillion takes a file of a million rows through check, through a run and through a rerun with everybody
// invited. It reports the speed and the peak memory of the program; the promise is 64 MB and 24 bytes a row.
func BenchmarkMillion(b *testing.B) {
	const rows = 1_000_000
	dir := b.TempDir()
	program := buildProgram(b)
	vendor := sandbox.New(sandbox.Config{APIKey: "k-1", CountsOnly: true})
	url, err := vendor.Start(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer vendor.Close()
	if err := writeRows(filepath.Join(dir, "c.csv"), rows, "met at the fair"); err != nil {
		b.Fatal(err)
	}
	for _, step := range []string{"check", "run", "rerun"} {
		b.Run(step, func(b *testing.B) {
			command := strings.TrimPrefix(step, "re")
			for b.Loop() {
				measure(b, promised(rows), program, dir, command, "c.csv", "--rate", "1000000/s", "--base-url", url)
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			if got := vendor.Calls(); got != rows && step != "check" {
				b.Errorf("%d calls for %d rows", got, rows)
			}
		})
	}
}

// BenchmarkGigabyte checks a file of 1.2 GB.
func BenchmarkGigabyte(b *testing.B) {
	const rows = 1_000_000
	dir := b.TempDir()
	program := buildProgram(b)
	if err := writeRows(filepath.Join(dir, "c.csv"), rows, strings.Repeat("met at the fair, ", 65)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		measure(b, promised(rows), program, dir, "check", "c.csv")
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDuplicates checks a file in which 200,000 people stand twice, the second time behind all the others, beside notes
// of many lines. For each of them a name and an address are kept, and not the row.
func BenchmarkDuplicates(b *testing.B) {
	const people, each = 200_000, 512 // bytes
	dir := b.TempDir()
	program := buildProgram(b)
	once := filepath.Join(dir, "once.csv")
	if err := writeRows(once, people, strings.Repeat("met at the fair\n", 20)); err != nil {
		b.Fatal(err)
	}
	rows, err := os.ReadFile(once)
	if err != nil {
		b.Fatal(err)
	}
	_, again, _ := bytes.Cut(rows, []byte("\n"))
	if err := os.WriteFile(filepath.Join(dir, "c.csv"), append(rows, again...), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		measure(b, promised(2*people)+people*each/1e6, program, dir, "check", "c.csv")
	}
	b.ReportMetric(2*people*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkWorkbook checks an XLSX.
func BenchmarkWorkbook(b *testing.B) {
	const rows = 100_000
	dir := b.TempDir()
	program := buildProgram(b)
	if err := writeWorkbook(filepath.Join(dir, "c.xlsx"), rows); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		measure(b, promised(rows), program, dir, "check", "c.xlsx")
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// promised is the peak memory for so many rows, in MB.
func promised(rows int) float64 { return 64 + 24*float64(rows)/1e6 }

// measure runs the program and reports its peak memory, which may be so many MB.
func measure(b *testing.B, allowed float64, program, dir string, args ...string) {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir+"/state", "BATCHINVITE_API_KEY=k-1", "TMPDIR="+dir)
	peak := peakOf(b, cmd)
	b.ReportMetric(peak, "peak-MB")
	if peak > allowed {
		b.Errorf("%s took %.0f MB, more than the promised %.0f MB", args[0], peak, allowed)
	}
}

// peakOf runs a command to its end and gives its peak memory in MB. It watches the kernel's high-water mark, since the
// maxrss of a process that has ended includes what its parent had when it was forked.
func peakOf(b *testing.B, cmd *exec.Cmd) (mb float64) {
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &talk, &talk
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatalf("%v\n%s", err, &talk)
			}
			return mb
		case <-look.C:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if m := highWater.FindSubmatch(status); err == nil && m != nil {
				kb, _ := strconv.Atoi(string(m[1]))
				mb = max(mb, float64(kb)/1000)
			}
		}
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func writeRows(path string, rows int, note string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "Full Name,E-mail,Assessment ID,Format,Expiry,Team,Notes")
	for i := range rows {
		n := strconv.Itoa(i)
		fmt.Fprintf(w, "Candidate Number %s,candidate.%s@example.org,%d,getlink,2091-12-31 18:30,Team %d,\"%s, row %s\"\n", n, n, 4711+i%5, i%17, note, n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func writeWorkbook(path string, rows int) error {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	due := time.Date(2091, 12, 31, 18, 30, 0, 0, time.UTC)
	cells := []any{"Full Name", "E-mail", "Assessment ID", "Format", "Expiry", "Team", "Notes"}
	for i := range rows + 1 {
		if err := w.SetRow("A"+strconv.Itoa(i+1), cells); err != nil {
			return err
		}
		cells = []any{fmt.Sprint("Candidate Number ", i), fmt.Sprintf("candidate.%d@example.org", i), 4711 + i%5, "getlink", due, fmt.Sprint("Team ", i%17), fmt.Sprint("met at the fair, row ", i)}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.SaveAs(path)
}
