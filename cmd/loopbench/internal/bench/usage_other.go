//go:build !unix

package bench

import "time"

// cpuTime returns 0, which stands for unknown: workloads that need it fail.
func cpuTime() time.Duration { return 0 }
