package monitor

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func recordings(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.trace"))
	check.NoError(t, err)
	return names
}

// blocks runs a loop that is blocked n times, some time apart, and returns the incidents.
func blocks(s *scene, n int, between time.Duration, opts ...loop.Option) (told []Incident) {
	d := newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		for range n {
			hold(d)
			task.Yield(ctx)
		}
	}, opts...)
	for range n {
		<-d.entered
		s.tickAfter(between)
		s.tick(4)
		for _, i := range s.taken() {
			if i.Kind == Blocked {
				told = append(told, i)
			}
		}
		d.through()
	}
	return told
}

func TestFlightRecorderWritesOnceAMinute(t *testing.T) {
	fr, dir := trace.NewFlightRecorder(trace.FlightRecorderConfig{}), t.TempDir()
	check.NoError(t, fr.Start())
	defer fr.Stop()
	s := newScene(t, FlightRecorder(fr, dir))
	told := blocks(s, 4, 20*time.Second)
	check.Equal(t, "files", recordings(t, dir), []string{min(told[0].Trace, told[3].Trace), max(told[0].Trace, told[3].Trace)})
	check.Equal(t, "traces of others", told[1].Trace+told[2].Trace, "")
	content, err := os.ReadFile(told[0].Trace)
	check.NoError(t, err)
	check.True(t, "is a trace", strings.HasPrefix(string(content), "go 1."))
	check.Contains(t, told[0].String(), told[0].Trace)
}

func TestFlightRecorderWritesOnceForAnIncident(t *testing.T) {
	fr, dir := trace.NewFlightRecorder(trace.FlightRecorderConfig{}), t.TempDir()
	check.NoError(t, fr.Start())
	defer fr.Stop()
	s, d := newScene(t, FlightRecorder(fr, dir), Threshold(20*time.Second)), newDoor()
	s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	for range 17 {
		s.tickAfter(5 * time.Second)
	}
	check.Equal(t, "incidents", len(s.taken()), 2)
	check.Equal(t, "files", len(recordings(t, dir)), 1)
	d.through()
}

func TestFlightRecorderThatDoesNotRunWritesNothing(t *testing.T) {
	fr, dir := trace.NewFlightRecorder(trace.FlightRecorderConfig{}), t.TempDir()
	told := blocks(newScene(t, FlightRecorder(fr, dir)), 1, period)
	check.Equal(t, "trace", told[0].Trace, "")
	check.Equal(t, "files", len(recordings(t, dir)), 0)
}

func TestFlightRecorderSaysThatItCannotWrite(t *testing.T) {
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	check.NoError(t, fr.Start())
	defer fr.Stop()
	var log bytes.Buffer
	told := blocks(newScene(t, FlightRecorder(fr, "not/there")), 1, period, loop.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	check.Equal(t, "trace", told[0].Trace, "")
	check.Contains(t, log.String(), "monitor: FlightRecorder: ", "not/there")
}

func TestFlightRecorderIsChecked(t *testing.T) {
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	check.IsFrom(t, check.Panics(t, func() { FlightRecorder(fr, "") }), loop.ErrInvalidArgument, "monitor: FlightRecorder")
}
