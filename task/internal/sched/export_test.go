package sched

import "time"

// SetPatience sets how long Close waits for deferred functions without a word.
func (s *Sched) SetPatience(d time.Duration) { s.patience = d }

// SetUnnamed makes the loop of s have had n tasks with a default name.
func (s *Sched) SetUnnamed(n int64) { s.unnamed = n }
