package api

import (
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	const date = "Tue, 03 Nov 2026 10:00:00 GMT"
	for _, tc := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", date, 0},
		{"0", date, 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"+7", "", 7 * time.Second},
		{"1.5", "", 1500 * time.Millisecond},
		{".25", "", 250 * time.Millisecond},
		{"2.", "", 2 * time.Second},
		{"-7", "", 0},
		{"86400", "", 24 * time.Hour},
		{"31536000", "", 365 * 24 * time.Hour},
		{"31536001", "", 365 * 24 * time.Hour},
		{"99999999999999999999", "", 365 * 24 * time.Hour},
		{"-99999999999999999999", "", 0},
		{strings.Repeat("9", 400), "", 0},
		{"NaN", "", 0},
		{"inf", "", 0},
		{"1e3", "", 0},
		{"0x10", "", 0},
		{"1_000", "", 0},
		{"1,5", "", 0},
		{"5 minutes", "", 0},
		{"5s", "", 0},
		{".", "", 0},
		{"7, 8", "", 0},
		{"Tue, 03 Nov 2026 10:00:30 GMT", date, 30 * time.Second},
		{"Tuesday, 03-Nov-26 10:01:00 GMT", date, time.Minute},
		{"Tue Nov  3 10:00:01 2026", date, time.Second},
		{"Tue, 03 Nov 2026 09:59:00 GMT", date, 0},
		{"Tue, 03 Nov 2026 10:00:30 GMT", "", 0},
		{"Tue, 03 Nov 2026 10:00:30 GMT", "yesterday", 0},
		{"Tue, 03 Nov 2099 10:00:30 GMT", date, 365 * 24 * time.Hour},
		{"Tue, 03 Nov 9999 10:00:30 GMT", "Tue, 03 Nov 0001 10:00:30 GMT", 365 * 24 * time.Hour},
		{"03.11.2026 10:00:30", date, 0},
	} {
		if got := retryAfter(tc.value, tc.date); got != tc.want {
			t.Errorf("retryAfter(%q, %q) = %v, want %v", tc.value, tc.date, got, tc.want)
		}
	}
}
