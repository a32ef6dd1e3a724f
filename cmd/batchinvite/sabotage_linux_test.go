package main

import "testing"

// TestSabotage_ofTheProgram shows the same of the suites that look at the program from outside.
func TestSabotage_ofTheProgram(t *testing.T) {
	for _, tt := range []struct {
		name    string
		patches []patch
		suite   func(t *testing.T, program string) []string
	}{
		{"the claim comes after the request", claimAfterRequest, func(t *testing.T, program string) []string {
			return orderViolations(t, program, 100)
		}},
		{"SQLite does not wait for the disk", []patch{
			{"pkg/ledger/sqlite/schema.go", "_pragma=synchronous(FULL)", "_pragma=synchronous(OFF)"},
			{"pkg/ledger/sqlite/schema.go", "sync != 2 {", "sync < 0 {"},
		}, func(t *testing.T, program string) []string { return powerCutViolations(t, program, 20, 1) }},
		{"a claim that failed is good enough", []patch{
			{"pkg/pipeline/step.go", "	if err != nil {\n		p.slot.Unused()\n		return invite.Answer{}, fmt.Errorf(\"claim %s",
				"	if errors.Is(err, invite.ErrRefused) {\n		p.slot.Unused()\n		return invite.Answer{}, fmt.Errorf(\"claim %s"},
		}, func(t *testing.T, program string) []string { return diskFullViolations(t, program, 6) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if found := tt.suite(t, buildPatched(t, tt.patches...)); len(found) == 0 {
				t.Error("nothing was noticed")
			} else {
				t.Logf("%d violations, the first: %.200s", len(found), found[0])
			}
		})
	}
}
