package streams_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// Packages that know nothing of tasks read from a stream as from anything else. They wait
// as the task itself does, so others run meanwhile.
func ExampleReader_IO() {
	type move struct{ From, To string }
	run(func(ctx context.Context) error {
		white, black, _ := streams.Pair(ctx)
		defer black.W.Close()
		task.Go(ctx, func(ctx context.Context) error {
			defer white.W.Close()
			encoder := json.NewEncoder(white.W.IO(ctx))
			for _, m := range []move{{"e2", "e4"}, {"f2", "f4"}} {
				if err := encoder.Encode(m); err != nil {
					return err
				}
			}
			return nil
		})
		decoder := json.NewDecoder(black.R.IO(ctx))
		for {
			var m move
			switch err := decoder.Decode(&m); err {
			case nil:
				fmt.Println(m.From, "to", m.To)
			case io.EOF:
				return nil
			default:
				return err
			}
		}
	})
	// Output:
	// e2 to e4
	// f2 to f4
}
