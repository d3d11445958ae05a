package monitor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/trace"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// recorder writes what a flight recorder has.
type recorder struct {
	flight *trace.FlightRecorder
	dir    string
	last   time.Time // when it has written
}

// betweenRecordings is how often a recorder writes, at most.
const betweenRecordings = time.Minute

// FlightRecorder writes what the flight recorder has to a file of that directory when
// something blocks a loop, at most once a minute. The recorder is the program's to start
// and stop; while it does not run, nothing is written. The incident names the file. It
// panics if fr is nil or dir is empty ([loop.ErrInvalidArgument]).
func FlightRecorder(fr *trace.FlightRecorder, dir string) Option {
	switch {
	case fr == nil:
		panic(fmt.Errorf("monitor: FlightRecorder: the recorder is nil: %w", loop.ErrInvalidArgument))
	case dir == "":
		panic(fmt.Errorf("monitor: FlightRecorder: the directory is empty: %w", loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.recorder = &recorder{flight: fr, dir: dir} }
}

// write returns the name of the file. It is empty if it is too early, or the recorder does
// not run.
func (r *recorder) write(now time.Time) (name string, err error) {
	if r == nil || !r.flight.Enabled() || !r.last.IsZero() && now.Sub(r.last) < betweenRecordings {
		return "", nil
	}
	r.last = now
	f, err := os.CreateTemp(r.dir, "asyncio-"+now.Format("20060102-150405")+"-*.trace")
	if err != nil {
		return "", fmt.Errorf("monitor: FlightRecorder: %w", err)
	}
	_, err = r.flight.WriteTo(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", fmt.Errorf("monitor: FlightRecorder: %w", err)
	}
	return filepath.Clean(f.Name()), nil
}
