package tasktest

import "github.com/goasyncio/asyncio/task"

// DefaultHandoff returns the handoff that the flag -asyncio.handoff names, for tests that
// make loops of their own.
func DefaultHandoff() task.Handoff { return flags.handoff }
