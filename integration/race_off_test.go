//go:build !race

package integration

const raceEnabled = false

// slowdown is what a limit on time is multiplied with: nothing slows us here.
const slowdown = 1
