package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/monitor"
)

// Names, places and texts are what the program made them. On their way to the screen they are made printable: else the
// name of a task could move the cursor, or do worse.

// plain returns a name as it is printed: quoted if it has something that can't be seen.
func plain(name string) string { return kernel.Plain(name) }

// printable replaces what can't be printed in the lines of s. Tables and trees escape names themselves; this is for
// everything else.
func printable(s string) string {
	return escape(s, func(r rune) bool { return r == '\n' || unicode.IsPrint(r) })
}

// printableLine is printable for a text that must stay one line.
func printableLine(s string) string { return escape(s, unicode.IsPrint) }

// escape writes the runes of s that are not good as \uXXXX, which is also how JSON does it.
func escape(s string, good func(r rune) bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return !good(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case good(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// function returns the name of a function without the path of its package.
func function(name string) string {
	plain, _, _ := strings.Cut(name, "[") // type arguments have paths too
	return name[strings.LastIndex(plain, "/")+1:]
}

// width returns how many columns of a terminal s takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth returns how many columns of a terminal r takes. What is two columns wide is the blocks of East Asian
// scripts and of pictures, which is right for nearly all of their characters.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cut returns s in n columns, with an ellipsis if that is not all of it. It is all of s if n is 0.
func cut(s string, n int) string {
	if n <= 0 || width(s) <= n {
		return s
	}
	taken := 0
	for i, r := range s {
		if taken += runeWidth(r); taken > n-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// pad adds spaces to s until it takes n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// short returns a time of some microseconds to seconds.
func short(d time.Duration) string {
	switch {
	case d <= 0:
		return "0ms"
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", d.Seconds()*1000)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.0fms", d.Seconds()*1000)
	case d < 100*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return monitor.FormatAge(d)
}

// seconds is the duration of so many seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// rounded returns a number in at most four places.
func rounded(n float64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%.0f", n)
	case n < 10_000:
		return fmt.Sprintf("%.1fk", n/1000)
	case n < 1_000_000:
		return fmt.Sprintf("%.0fk", n/1000)
	}
	return fmt.Sprintf("%.1fM", n/1_000_000)
}

// number returns "1 task" or "2 tasks".
func number(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// bar draws a part of 1, in cells of which each has eight eighths.
func bar(part float64, cells int) string {
	eighths := int(min(max(part, 0), 1)*float64(8*cells) + 0.5)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s
}
