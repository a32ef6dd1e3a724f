//go:build race

package pace

// raceDetector: the long simulations are run once more without it, for its sake they are short.
const raceDetector = true
