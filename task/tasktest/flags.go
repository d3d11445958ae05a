package tasktest

import (
	"flag"
	"fmt"

	"github.com/goasyncio/asyncio/task"
)

// flags are those of go test that this package adds.
var flags testFlags

type testFlags struct {
	handoff task.Handoff
	update  bool // write the files of Events.WantFile anew
}

func init() {
	flag.BoolVar(&flags.update, "asyncio.update", false, "write the expected events of tests anew")
	flag.Func("asyncio.handoff", "how tasks hand over control: channels or iterpull", func(name string) error {
		for _, h := range []task.Handoff{task.Channels, task.IterPull} {
			if h.String() == name {
				flags.handoff = h
				return nil
			}
		}
		return fmt.Errorf("there is no handoff %q", name)
	})
}
