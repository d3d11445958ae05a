//go:build !unix

package bench

import "time"

// cpuTime is unknown here: a workload that needs it is reported as impossible.
func cpuTime() time.Duration { return 0 }
