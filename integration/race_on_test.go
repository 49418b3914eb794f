//go:build race

package integration

const raceEnabled = true

// slowdown is what a limit on time is multiplied with under the race detector.
const slowdown = 10
