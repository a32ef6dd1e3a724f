package pace

import "time"

// What the vendor's refusals do to the pace.
const (
	remembered = 50   // calls
	tolerated  = 0.03 // of them refused: a strictly sliding window under 5 s refuses some of what it should not
	decrease   = 0.7  // of the factor, once a wave of refusals
	expected   = 0.02 // of the calls refused where the rate stated is too high
	lowest     = 0.05

	burstless = 0.1 // of the calls remembered began a wave: jitter alone makes the server refuse
	firstTrial,
	lastTrial = 500, 64_000 // calls before the end of serial mode is tried; doubled each time
)

// feedback decides from the answers by how much the pace stays under the one stated: by a factor, and by whether calls
// are made one after the other. It knows no clock.
type feedback struct {
	factor float64 // of the rate, from lowest to 1
	lowest float64
	was    float64 // before the last decrease
	step   float64 // back, with every call that is taken
	serial bool    // the next call goes one spacing after the last answer

	calls   [remembered]refusal // the last ones, in a ring
	at      int
	wave    time.Time // when the last wave was told of
	lowered bool      // the factor, since then
	patience,
	left int // calls until serial mode ends, when it began and now
}

// refusal is what the vendor said to one call.
type refusal uint8

const (
	taken  refusal = iota
	inWave         // refused, sent before the refusal of another one was known
	first          // of a wave
)

func newFeedback(lowest float64) feedback {
	return feedback{factor: 1, was: 1, lowest: lowest, patience: firstTrial}
}

// accepted tells that a call was taken.
func (f *feedback) accepted() {
	f.remember(taken)
	f.factor = min(1, f.factor+f.step)
	if !f.serial {
		return
	}
	if f.left--; f.left <= 0 {
		f.serial = false
		f.patience = min(2*f.patience, lastTrial)
	}
}

// refused tells that the vendor refused a call for its pace, when that was sent and when the answer came.
func (f *feedback) refused(sent, now time.Time) {
	if sent.Before(f.wave) {
		f.remember(inWave)
	} else {
		f.wave, f.lowered = now, false
		f.remember(first)
	}
	switch {
	case f.lowered:
		f.slowly()
	case !f.serial && f.share(first) >= burstless:
		f.serial, f.left = true, f.patience
		f.lower(1) // with what makes it refuse known, more than what is left of the rate is worth a new trial
		f.calls = [remembered]refusal{}
	case f.share(first, inWave) > tolerated:
		f.lower(f.factor)
	}
}

// lower takes the factor down, once a wave.
func (f *feedback) lower(from float64) {
	f.was, f.factor, f.lowered = from, max(f.lowest, from*decrease), true
	f.slowly()
}

// slowly takes so many calls for the way back that the refusals which may wait at its end are few among them.
func (f *feedback) slowly() {
	f.step = (f.was - f.factor) * expected / (remembered * f.share(first, inWave))
}

func (f *feedback) remember(r refusal) {
	f.calls[f.at] = r
	f.at = (f.at + 1) % remembered
}

func (f *feedback) share(kinds ...refusal) float64 {
	n := 0
	for _, r := range f.calls {
		for _, k := range kinds {
			if r == k {
				n++
			}
		}
	}
	return float64(n) / remembered
}
