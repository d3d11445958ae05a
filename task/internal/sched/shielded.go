package sched

import "github.com/goasyncio/asyncio/loop/kernel"

// Shielded returns what a shield protects that f stands for, as the future that Shield
// returns does, or that f is itself, also if the shield was cancelled. It is nil if there
// is no shield.
func Shielded(f *kernel.Future) (inner *kernel.Future) {
	f.Awaited(func(j kernel.Job) {
		if s, ok := j.(interface{ Shields() *kernel.Future }); ok {
			inner = s.Shields()
		}
	})
	return inner
}
