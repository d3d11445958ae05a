module github.com/goasyncio/asyncio

go 1.25.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/google/btree v1.1.3
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.20.0
)
