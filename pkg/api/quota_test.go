package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/invite"
)

func TestReadQuotas(t *testing.T) {
	const date = "Tue, 03 Nov 2026 10:00:00 GMT" // 1793700000
	minute := []invite.Quota{{Calls: 100, Per: time.Minute}}
	for _, tc := range []struct {
		name    string
		headers []string // name, value, name, value …
		want    quotas
	}{
		{"nothing", nil, quotas{}},
		{"the list, with some left", []string{"RateLimit", `"default";r=50;t=30`, "RateLimit-Policy", `"default";q=100;w=60`}, quotas{stated: minute, reset: 30 * time.Second}},
		{"the list, with nothing left", []string{"RateLimit", `"default"; r=0; t=30`}, quotas{spent: true, reset: 30 * time.Second}},
		{"several, one spent", []string{"RateLimit", `"burst";r=5;t=90, "day";r=0;t=30`}, quotas{spent: true, reset: 30 * time.Second}},
		{"several, all spent: the last to open", []string{"RateLimit", `"a";r=0;t=30,"b";r=0;t=40`}, quotas{spent: true, reset: 40 * time.Second}},
		{"in two lines", []string{"RateLimit", `"a";r=0;t=30`, "RateLimit", `"b";r=1;t=3`}, quotas{spent: true, reset: 30 * time.Second}},
		{"a name with separators in it", []string{"RateLimit", `"a;r=9,\"b";r=0;t=7`}, quotas{spent: true, reset: 7 * time.Second}},
		{"a partition key", []string{"RateLimit-Policy", `"100-in-1min"; q=100; w=60; pk=:YWJjZA==:`}, quotas{stated: minute}},
		{"other units", []string{"RateLimit-Policy", `"bytes";q=100;w=60;qu="content-bytes"`}, quotas{}},
		{"the units of requests", []string{"RateLimit-Policy", `"r";q=100;w=60;qu="requests"`}, quotas{stated: minute}},
		{"the dictionary", []string{"RateLimit", "limit=100, remaining=0, reset=12", "RateLimit-Policy", "100;w=60"}, quotas{stated: minute, spent: true, reset: 12 * time.Second}},
		{"the dictionary, with some left", []string{"RateLimit", "limit=100,remaining=1,reset=12"}, quotas{reset: 12 * time.Second}},
		{"three headers", []string{"RateLimit-Limit", "100", "RateLimit-Remaining", "0", "RateLimit-Reset", "9"}, quotas{spent: true, reset: 9 * time.Second}},
		{"three headers, the limit with policies", []string{"RateLimit-Limit", "100, 100;w=60;burst=5, 5000;w=86400", "RateLimit-Remaining", "3"},
			quotas{stated: append(minute[:1:1], invite.Quota{Calls: 5000, Per: 24 * time.Hour})}},
		{"three headers, a moment is nonsense", []string{"RateLimit-Remaining", "0", "RateLimit-Reset", "1793700009", "Date", date}, quotas{spent: true}},
		{"X, a moment", []string{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1793700009", "Date", date}, quotas{spent: true, reset: 9 * time.Second}},
		{"X, in milliseconds", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1793700009500", "Date", date}, quotas{spent: true, reset: 9500 * time.Millisecond}},
		{"X, seconds", []string{"X-RateLimit-Remaining", "2", "X-RateLimit-Reset", "30.5"}, quotas{reset: 30500 * time.Millisecond}},
		{"X, a moment without a Date", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1793700009"}, quotas{spent: true}},
		{"X, a moment that is over", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1793699999", "Date", date}, quotas{spent: true}},
		{"X, spelt apart", []string{"X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "5"}, quotas{spent: true, reset: 5 * time.Second}},
		{"the newer ones count", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "5", "RateLimit-Remaining", "7", "RateLimit-Reset", "6"}, quotas{reset: 6 * time.Second}},
		{"a reset beyond belief", []string{"RateLimit", `"a";r=0;t=99999999`}, quotas{spent: true}},
		{"negative and not numbers", []string{"RateLimit", `"a";r=-1;t=-5`, "RateLimit-Policy", `"a";q=x;w=60, 0;w=60, 5;w=0, 5;w=-1, 99999999999999999999;w=60, 5;w=99999999999`}, quotas{}},
		{"garbage", []string{"RateLimit", `";;;,,,="\`, "RateLimit-Policy", `;w=1,"`}, quotas{}},
	} {
		h := http.Header{}
		for i := 0; i < len(tc.headers); i += 2 {
			h.Add(tc.headers[i], tc.headers[i+1])
		}
		if diff := cmp.Diff(tc.want, readQuotas(h), cmp.AllowUnexported(quotas{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
