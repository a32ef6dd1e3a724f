package sandbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"batchinvite/pkg/sandbox"
)

func TestParsePlan_readsKindsAndLatency(t *testing.T) {
	got, err := sandbox.ParsePlan("reset-before=0.02, 429=0.05:2500ms ,503=1e-3,latency=0.5:20ms+10ms")
	if err != nil {
		t.Fatal(err)
	}
	want := sandbox.Plan{
		Chances: []sandbox.Chance{
			{Kind: sandbox.Throttled, Probability: 0.05, RetryAfter: 2500 * time.Millisecond},
			{Kind: sandbox.Unavailable, Probability: 0.001, RetryAfter: time.Second},
			{Kind: sandbox.ResetBefore, Probability: 0.02},
		},
		Latency: sandbox.Latency{Probability: 0.5, Fixed: 20 * time.Millisecond, Jitter: 10 * time.Millisecond},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestPlan_printsItselfBack(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		" ":                          "",
		"422=0.33,429=0.56,503=0.11": "422=0.33,429=0.56,503=0.11", // a little more than 1 in binary
		"429=0.05,500-after=0.02,reset-before=0.02,latency=20ms":                                                              "429=0.05,500-after=0.02,reset-before=0.02,latency=20ms",
		"latency=0.1:2s+500ms,hang=0.001,503=0.5:0s,429=0.1:1s":                                                               "429=0.1,503=0.5:0s,hang=0.001,latency=0.1:2s+500ms",
		"html=0.1,truncated=0.1,reset-after=0.1,422=0,500-before=0.1,503=0.1,429=0.1,hang=0.1,500-after=0.1,reset-before=0.2": "422=0,429=0.1,500-after=0.1,500-before=0.1,503=0.1,hang=0.1,html=0.1,reset-after=0.1,reset-before=0.2,truncated=0.1",
		"limit_exceed=0.1,504=0.1,404=0.2,402=0.1,503-bare=0.1,302=0.1":                                                       "302=0.1,402=0.1,404=0.2,503-bare=0.1,504=0.1,limit_exceed=0.1",
	} {
		plan, err := sandbox.ParsePlan(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := plan.String(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		again, err := sandbox.ParsePlan(plan.String())
		if err != nil || !cmp.Equal(plan, again) {
			t.Errorf("%q: read back: got %+v, %v; want %+v", in, again, err, plan)
		}
	}
}

func unknown(item string) string {
	return `fault "` + item + `": unknown kind, use latency or one of 302, 400 to 499, 500-after, 500-before, 502, 503, 503-bare, 504, ` +
		`error-revoking, hang, html, limit_exceed, not-allowed, reset-after, reset-before, truncated`
}

func TestParsePlan_refusesWhatItDoesNotUnderstand(t *testing.T) {
	for in, want := range map[string]string{
		"429":                   `fault "429": "" is not a probability from 0 to 1`,
		"429=2":                 `fault "429=2": "2" is not a probability from 0 to 1`,
		"429=NaN":               `fault "429=NaN": "NaN" is not a probability from 0 to 1`,
		"429=-0.1":              `fault "429=-0.1": "-0.1" is not a probability from 0 to 1`,
		"429=0.1:soon":          `fault "429=0.1:soon": "soon" is not a duration such as 20ms`,
		"404=0.1:2s":            `fault "404=0.1:2s": 404 has no Retry-After`,
		"503-bare=0.1:2s":       `fault "503-bare=0.1:2s": 503-bare has no Retry-After`,
		"404=0.1,404=0.2":       `fault "404=0.2": 404 is given twice`,
		"500-after=0.1:2s":      `fault "500-after=0.1:2s": 500-after has no Retry-After`,
		"html=0.1,html=0.2":     `fault "html=0.2": html is given twice`,
		"latency=1s,latency=2s": `fault "latency=2s": latency is given twice`,
		"latency=fast":          `fault "latency=fast": "fast" is not a duration such as 20ms`,
		"latency=-1s":           `fault "latency=-1s": "-1s" is not a duration such as 20ms`,
		"latency=1s+":           `fault "latency=1s+": "" is not a duration such as 20ms`,
		"latency=3:1s":          `fault "latency=3:1s": "3" is not a probability from 0 to 1`,
		"html=0.1,":             unknown(""),
		"5oo=0.1":               unknown("5oo=0.1"),
		"html=0.6,429=0.6":      `faults "html=0.6,429=0.6": the probabilities add up to 1.2, which is more than 1`,
		"399=1":                 unknown("399=1"),
		"500=1":                 unknown("500=1"),
		"+404=1":                unknown("+404=1"),
		"0404=1":                unknown("0404=1"),
	} {
		plan, err := sandbox.ParsePlan(in)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
		if !cmp.Equal(plan, sandbox.Plan{}) {
			t.Errorf("%q: got plan %v beside an error", in, plan)
		}
	}
}
