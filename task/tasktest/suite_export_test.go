package tasktest

// For tests of what a suite does when it fails.
var (
	RunCase = runCase
	TestsOf = testsOf
)
