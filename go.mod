module github.com/goasyncio/asyncio

go 1.26.0

require github.com/google/btree v1.1.3

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
