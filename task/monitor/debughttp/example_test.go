package debughttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// A program that has a server mounts the handler where it likes.
func ExampleHandler() {
	m := monitor.New()
	defer m.Close()
	mux := http.NewServeMux()
	mux.Handle("/debug/asyncio/", debughttp.Handler(m))
	server := httptest.NewServer(mux) // in a program, one on localhost
	defer server.Close()

	err := task.Main(context.Background(), func(ctx context.Context) error {
		_, err := task.ToThread(ctx, func(context.Context) (struct{}, error) {
			answer, err := http.Get(server.URL + "/debug/asyncio/tree")
			if err != nil {
				return struct{}{}, err
			}
			defer answer.Body.Close()
			tree, err := io.ReadAll(answer.Body)
			fmt.Printf("%.10s\n", tree)
			return struct{}{}, err
		})
		return err
	}, task.WithLoopOptions(m.Watch()))
	http.DefaultClient.CloseIdleConnections()
	if err != nil {
		fmt.Println(err)
	}
	// Output: └── Task-1
}

// Listen needs no server: asynctop finds the program by the number of its process.
func ExampleListen() {
	m := monitor.New()
	defer m.Close()
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		if err := debughttp.Listen(ctx, m, ""); ctx.Err() == nil {
			fmt.Println(err)
		}
	}()
	// task.Main(ctx, main, task.WithLoopOptions(m.Watch()))
	stop()
}
