package sched

// SetUnnamed makes the loop of s have had n tasks with a default name.
func (s *Sched) SetUnnamed(n int64) { s.unnamed = n }
