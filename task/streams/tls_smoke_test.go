package streams

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/task"
)

func TestEchoOverTLS(t *testing.T) {
	for name, transport := range tlsTransports {
		for _, size := range []int{1, 1000, 3 << 20} {
			t.Run(name, func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					c, s := transport(t)
					client, server, err := tlsEnds(ctx, c, s)
					if err != nil {
						return err
					}
					served := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, server.r, server.w) })
					if err := talk(t, ctx, client.r, client.w, size); err != nil {
						return err
					}
					if err := served.Join(ctx); err != nil {
						return err
					}
					return server.w.WaitClosed(ctx)
				})
			})
		}
	}
}
