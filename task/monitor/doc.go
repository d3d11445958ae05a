// Package monitor looks into running event loops: which task blocks the loop now, who waits
// for whom, what leaks, who swallowed a cancellation.
//
//	m := monitor.New()
//	defer m.Close()
//	err := task.Main(ctx, main, task.WithLoopOptions(m.Watch()))
//
// Nothing is opened by that: package debughttp shows a monitor to a browser and to the
// command asynctop. A loop without a monitor pays nothing for it.
package monitor
