package tasktest

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// flags are those of go test that this package adds. Each can also be given by an
// environment variable, for go test ./...: packages that do not import this one do not know
// the flags. -asyncio.seed is ASYNCIO_SEED.
var flags testFlags

type testFlags struct {
	handoff   task.Handoff
	seed      seed
	schedules int           // 0 if not given
	budget    time.Duration // 0 if not given
	level     Orders
	trace     bool // show all of it
	save      bool // keep the tokens of failures
	update    bool // write the files of Events.WantFile anew
}

// seed says which run is to be made, or where the random ones begin.
type seed struct {
	test   string // "" for any
	token  choice.Token
	given  bool
	random bool // other ones each time
}

func init() { flags.register(flag.CommandLine, os.LookupEnv) }

// register defines the flags, with the environment's values as their defaults.
func (f *testFlags) register(set *flag.FlagSet, lookup func(name string) (string, bool)) {
	set.Func("asyncio.seed", "make one run of Explore again: a token such as @3.1, 17, or TestName:@3.1; random: begin with other seeds each time", f.setSeed)
	set.Func("asyncio.schedules", "how many schedules Explore tries at most", func(text string) (err error) {
		f.schedules, err = strconv.Atoi(text)
		return positive(f.schedules, err)
	})
	set.Func("asyncio.for", "how long Explore tries schedules at most", func(text string) (err error) {
		f.budget, err = time.ParseDuration(text)
		return positive(f.budget, err)
	})
	set.Func("asyncio.level", "which orders Explore tries where the test does not say: outside or tasks", f.setLevel)
	set.Func("asyncio.handoff", "how tasks hand over control: channels or iterpull", f.setHandoff)
	set.BoolVar(&f.trace, "asyncio.trace", false, "show all steps of the run that Explore reports")
	set.BoolVar(&f.save, "asyncio.save", false, "keep the token of a failure in testdata/asyncio, to be tried first from then on")
	set.BoolVar(&f.update, "asyncio.update", false, "write the expected events of tests anew")
	for _, name := range []string{"seed", "schedules", "for", "level", "handoff", "trace", "save", "update"} {
		variable := "ASYNCIO_" + strings.ToUpper(name)
		if value, ok := lookup(variable); ok && value != "" {
			if err := set.Set("asyncio."+name, value); err != nil {
				panic(fmt.Errorf("tasktest: environment variable %s=%s: %w", variable, value, err))
			}
		}
	}
}

func positive[N int | time.Duration](n N, err error) error {
	if err == nil && n <= 0 {
		err = fmt.Errorf("%v is not positive: %w", n, loop.ErrInvalidArgument)
	}
	return err
}

func (f *testFlags) setSeed(text string) error {
	if text == "random" {
		f.seed = seed{random: true}
		return nil
	}
	i := strings.LastIndexByte(text, ':')
	token, err := choice.ParseToken(text[i+1:])
	if err != nil {
		return err
	}
	f.seed = seed{test: text[:max(i, 0)], token: token, given: true}
	return nil
}

func (f *testFlags) setLevel(text string) error {
	for _, o := range []Orders{Outside, Tasks} {
		if strings.EqualFold(text, o.String()) {
			f.level = o
			return nil
		}
	}
	return fmt.Errorf("there is no level %q", text)
}

func (f *testFlags) setHandoff(text string) error {
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		if h.String() == text {
			f.handoff = h
			return nil
		}
	}
	return fmt.Errorf("there is no handoff %q", text)
}

// replays returns the run that a test is to make again, if there is one.
func (s seed) replays(test string) (t choice.Token, ok bool) {
	return s.token, s.given && (s.test == "" || s.test == test)
}
