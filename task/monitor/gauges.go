package monitor

type gauges struct{}
