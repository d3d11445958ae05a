package tasktest

// Events notes what happens in a test, and in which order.
type Events struct{ run *run }
