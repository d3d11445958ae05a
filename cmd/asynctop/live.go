package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/cmd/internal/terminal"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// liveView shows what the program does until the user has seen enough. What is no terminal gets one frame.
func liveView(ctx context.Context, c *client, o *options, stdin io.Reader, stdout io.Writer) (int, error) {
	v := view{sort: o.sort, filter: o.name}
	if o.name != "" {
		v.pane = tasksPane
	}
	if !terminal.Is(stdout) {
		if _, err := measured(ctx, c); err != nil {
			return noAnswer, err
		}
	}
	s := look(ctx, c, v, true)
	if s.failed != nil {
		return noAnswer, s.failed
	}
	if !terminal.Is(stdout) {
		return s.print(&v, stdout)
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	l := live{
		client: c, view: v, sight: s,
		screen: screen{w: stdout, colours: terminal.HasColours(stdout), size: func() (int, int) { return sizeOf(stdout) }},
		ticks:  second.C, lines: readLines(ctx, stdin),
	}
	return l.run(ctx)
}

// print writes one frame.
func (s *sight) print(v *view, stdout io.Writer) (int, error) {
	width := lineLimit(stdout)
	if width == 0 {
		width = usualWidth
	}
	var b strings.Builder
	for _, l := range frame(s, v, width, 0) {
		b.WriteString(l.text + "\n")
	}
	if _, err := io.WriteString(stdout, b.String()); err != nil {
		return noAnswer, err
	}
	if s.trouble() {
		return trouble, nil
	}
	return well, nil
}

// look asks the program for all that the view shows, and whether tasks are stuck: for that the loop looks at all tasks,
// so it is not asked each second.
func look(ctx context.Context, c *client, v view, stuck bool) *sight {
	s := &sight{pid: c.pid, pane: v.pane}
	s.tasks.Snapshot = &monitor.Snapshot{}
	if s.stats, s.failed = get[debughttp.Stats](ctx, c, "stats", nil); s.failed != nil {
		return s
	}
	if s.incidents, s.failed = get[debughttp.Incidents](ctx, c, "incidents", nil); s.failed != nil {
		return s
	}
	var err error
	switch v.pane {
	case groupsPane:
		s.groups, err = get[debughttp.Groups](ctx, c, "groups", nil)
	case tasksPane:
		s.tasks, err = tasksOf(ctx, c, "tasks", taskQuery("", v.filter, v.sort, mostRows))
	case treePane:
		s.tasks, err = tasksOf(ctx, c, "tree", url.Values{"format": {"json"}, "limit": {strconv.Itoa(mostRows)}})
	case stackPane:
		s.stack, err = get[debughttp.Stacks](ctx, c, "stacks", url.Values{"task": {strconv.FormatUint(v.task, 10)}})
	}
	if err == nil && (stuck || v.pane == stuckPane) {
		s.stuck, err = get[debughttp.Stuck](ctx, c, "stuck", nil)
		s.asked = err == nil
	}
	var blocked *blockedError
	if s.blocked = errors.As(err, &blocked); !s.blocked {
		s.failed = err
	}
	return s
}

// mostRows is how many tasks the live view asks for: more than a screen has lines.
const mostRows = 200

// looksForStuck is after how many looks it is asked again whether tasks are stuck.
const looksForStuck = 5

// live is the live view on a terminal.
type live struct {
	client *client
	view   view
	sight  *sight
	screen screen
	ticks  <-chan time.Time
	lines  <-chan string // that the user types; closed at their end
}

// run draws a frame at each tick and command, until the user or ctx ends it.
func (l *live) run(ctx context.Context) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.screen.open()
	defer l.screen.close()
	looks := make(chan *sight)
	looking, again, looked := false, false, 0
	start := func() {
		if looking {
			again = true // the user has chosen something else meanwhile
			return
		}
		looking = true
		looked++
		go func(v view, stuck bool) {
			s := look(ctx, l.client, v, stuck)
			select {
			case looks <- s:
			case <-ctx.Done():
			}
		}(l.view, looked%looksForStuck == 0)
	}
	for {
		if err := l.screen.draw(l.sight, &l.view); err != nil {
			return noAnswer, err
		}
		select {
		case <-ctx.Done():
			return well, nil
		case <-l.ticks:
			if l.sight.failed != nil {
				l.sight.age += time.Second
			}
			if !looking {
				start()
			}
		case s := <-looks:
			looking = false
			l.see(s)
			if again {
				again = false
				start()
			}
		case text, ok := <-l.lines:
			if !ok || l.view.command(text) {
				return well, nil
			}
			l.screen.typed = true
			start()
		}
	}
}

// see takes what a look has found. What was not answered stays as it was.
func (l *live) see(s *sight) {
	old := l.sight
	if s.failed != nil && s.pane == stackPane && s.stats.V != 0 {
		l.view.remark, l.view.pane = s.failed.Error(), groupsPane // the task has ended
		return
	}
	if s.failed != nil {
		same := *old
		same.failed = s.failed
		l.sight = &same
		return
	}
	if !s.asked {
		s.stuck = old.stuck
	}
	if s.blocked {
		s.pane, s.groups, s.tasks, s.stack = old.pane, old.groups, old.tasks, old.stack
	}
	l.sight = s
}

// readLines returns what the user types, line by line.
func readLines(ctx context.Context, stdin io.Reader) <-chan string {
	lines := make(chan string)
	go func() { // it ends with the input, or at the next line after ctx, or with the process
		defer close(lines)
		for text := bufio.NewScanner(stdin); text.Scan(); {
			select {
			case lines <- text.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// screen draws frames on a terminal, by ANSI sequences. The line above the last one is where the user types: the Enter
// key takes the cursor to the last line, so nothing scrolls.
type screen struct {
	w       io.Writer
	colours bool
	size    func() (width, height int)
	height  int  // of the latest frame
	typed   bool // the line where the user types is to be emptied
}

// ANSI sequences.
const (
	alternateScreen = "\x1b[?1049h"
	normalScreen    = "\x1b[?1049l"
	clearScreen     = "\x1b[2J"
	clearLine       = "\x1b[K"
	saveCursor      = "\x1b7"
	restoreCursor   = "\x1b8"
	hideCursor      = "\x1b[?25l"
	showCursor      = "\x1b[?25h"
	plainStyle      = "\x1b[0m"
)

var styles = map[style]string{
	title:   "\x1b[1m",
	alarm:   "\x1b[1;37;41m",
	warning: "\x1b[33m",
	faint:   "\x1b[2m",
}

// open leaves what is on the terminal alone, and begins an empty screen beside it.
func (s *screen) open() { _, _ = io.WriteString(s.w, alternateScreen) }

// close shows again what was there before.
func (s *screen) close() { _, _ = io.WriteString(s.w, plainStyle+normalScreen) }

// prompt is where the user types.
const prompt = "> "

// draw draws a frame. It leaves alone what the user is typing.
func (s *screen) draw(what *sight, v *view) error {
	width, height := s.size()
	var b strings.Builder
	b.WriteString(saveCursor + hideCursor)
	if height != s.height {
		s.height, s.typed = height, true
		b.WriteString(clearScreen)
	}
	lines := frame(what, v, width, max(height-3, 1))
	for row := range max(height-2, 1) {
		fmt.Fprintf(&b, "\x1b[%d;1H", row+1)
		if row < len(lines) {
			s.write(&b, lines[row])
		}
		b.WriteString(clearLine)
	}
	fmt.Fprintf(&b, "\x1b[%d;1H", height)
	s.write(&b, line{cut(hints, width), faint})
	b.WriteString(clearLine + restoreCursor)
	if s.typed {
		s.typed = false
		fmt.Fprintf(&b, "\x1b[%d;1H%s%s", height-1, prompt, clearLine)
	}
	b.WriteString(showCursor)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// write writes a line in its style.
func (s *screen) write(b *strings.Builder, l line) {
	if code := styles[l.style]; s.colours && code != "" {
		b.WriteString(code + l.text + plainStyle)
		return
	}
	b.WriteString(l.text)
}
