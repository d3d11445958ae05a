//go:build !unix

package bench

import "time"

// CPUTime returns 0, which stands for unknown: workloads that need it fail.
func CPUTime() time.Duration { return 0 }

// Descriptors returns 0, which stands for unknown.
func Descriptors() uint64 { return 0 }
