package kernel

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestQuoteLetsNothingUnprintableThrough(t *testing.T) {
	for _, test := range []struct{ name, quoted, plain string }{
		{"Task-1", "'Task-1'", "Task-1"},
		{"take me back", "'take me back'", "take me back"},
		{"größer", "'größer'", "größer"},
		{"", "''", "''"},
		{"it's", `'it\'s'`, `'it\'s'`},
		{`say "no"`, `'say "no"'`, `say "no"`},
		{`a\b`, `'a\\b'`, `'a\\b'`},
		{`a\"b`, `'a\\"b'`, `'a\\"b'`},
		{"x'\n2026/01/01 ERROR", `'x\'\n2026/01/01 ERROR'`, `'x\'\n2026/01/01 ERROR'`},
		{"\x1b[2J", `'\x1b[2J'`, `'\x1b[2J'`},
		{"\u202eright to left", `'\u202eright to left'`, `'\u202eright to left'`},
		{"\xff", `'\xff'`, `'\xff'`},
		{strings.Repeat("ä", 1000), "'" + strings.Repeat("ä", 500) + "...'", "'" + strings.Repeat("ä", 500) + "...'"},
		{strings.Repeat("a", 1000), "'" + strings.Repeat("a", 1000) + "'", strings.Repeat("a", 1000)},
		{"a" + strings.Repeat("ä", 500), "'a" + strings.Repeat("ä", 499) + "...'", "'a" + strings.Repeat("ä", 499) + "...'"},
		{strings.Repeat("\x80", 1001), "'" + strings.Repeat(`\x80`, 996) + "...'", "'" + strings.Repeat(`\x80`, 996) + "...'"},
	} {
		if got := Quote(test.name); got != test.quoted {
			t.Errorf("Quote(%q) = %s, want %s", test.name, got, test.quoted)
		}
		if got := Plain(test.name); got != test.plain {
			t.Errorf("Plain(%q) = %s, want %s", test.name, got, test.plain)
		}
	}
}

type (
	point     struct{ X, y int }
	shouty    string
	formatted struct{ n int }
	broken    struct{}
	mute      struct{ s string }
)

func (s shouty) String() string                { return strings.ToUpper(string(s)) }
func (f formatted) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "formatted %d", f.n) }
func (broken) Error() string                   { panic("no text") }
func (m *mute) String() string                 { return m.s }

func resultText[T any](v T) string { return Text(&v) }

func TestTextIsLikeThatOfFmt(t *testing.T) {
	for _, v := range []any{
		7, -7, uint8(7), uintptr(7), 1.5, math.Inf(1), 2i, true, nil, struct{}{}, (func())(nil), (chan int)(nil), (*int)(nil),
		[]int{1, 2}, []int(nil), [2]bool{true, false}, map[int]int{1: 2}, map[int]int(nil), point{1, 2}, &point{1, 2},
		&[]int{1}, &[2]int{1, 2}, []any{nil, 1, []int{2}}, time.Second, errors.New("oops"), shouty("a"), []shouty{"a"}, formatted{7}, &mute{"m"},
		(*mute)(nil), struct{ m map[int]point }{map[int]point{1: {2, 3}}}, new(int), []*point{{1, 2}}, []byte("ab"),
		struct{ d time.Duration }{time.Second}, struct{ D time.Duration }{time.Second}, struct{ e any }{}, make([]int, 6),
		map[point]int{{2, 1}: 1, {1, 3}: 2, {1, 2}: 3, {0, 9}: 4, {3, 0}: 5, {2, 0}: 6}, map[any]bool{1: true, 2: false},
	} {
		if got, want := resultText(v), fmt.Sprint(v); got != want {
			t.Errorf("%T: got %s, want %s", v, got, want)
		}
	}
}

func TestTextIsShortAndPrintable(t *testing.T) {
	deep := any(0)
	for range 100 {
		deep = []any{deep}
	}
	emptySlice, emptyMap := any([]int{}), any(map[int]int{})
	for range 6 {
		emptySlice, emptyMap = []any{emptySlice}, map[int]any{0: emptyMap}
	}
	mapped := map[string]any{}
	mapped["self"] = mapped
	sliced := []any{0, 1}
	sliced[1] = sliced
	type ring struct{ next *ring }
	r := &ring{}
	r.next = r
	for _, test := range []struct{ name, got, want string }{
		{"string", resultText("a\n\x1b"), `"a\n\x1b"`},
		{"long string", resultText(strings.Repeat("a", 1<<20)), `"` + strings.Repeat("a", 999) + "..."},
		{"strings in it", resultText(map[string][]string{"k": {"a b", "c"}}), `map["k":["a b" "c"]]`},
		{"text with a line feed", resultText(errors.New("a\nb")), `a\nb`},
		{"long text", resultText(errors.New(strings.Repeat("é", 1000))), strings.Repeat("é", 500) + "..."},
		{"many items", resultText(make([]byte, 100)), "[0 0 0 0 0 0 <94 more>]"},
		{"large array", resultText([100]int{}), "[0 0 0 0 0 0 <94 more>]"},
		{"many entries", resultText(map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7}), "map[<7 entries>]"},
		{"long key and value", resultText(map[string]string{strings.Repeat("k", 996): "value"}), `map["` + strings.Repeat("k", 995) + "..."},
		{"text in an interface", resultText([]any{"a b", nil}), `["a b" <nil>]`},
		{"empty slice, deep", resultText(emptySlice), "[[[[[[[]]]]]]]"},
		{"empty map, deep", resultText(emptyMap), strings.Repeat("map[0:", 6) + "map[]" + strings.Repeat("]", 6)},
		{"key in a key", resultText(map[any]int{[1]any{point{1, 2}}: 3}), "map[[{1 2}]:3]"},
		{"deep", resultText(deep), "[[[[[[[...]]]]]]]"},
		{"map in itself", resultText(mapped), strings.Repeat(`map["self":`, 6) + "map[...]" + strings.Repeat("]", 6)},
		{"slice in itself", resultText(sliced), strings.Repeat("[0 ", 6) + "[...]" + strings.Repeat("]", 6)},
		{"text that panics", resultText(broken{}), "kernel.broken, which panics when it is printed"},
		{"text that panics in it", resultText([]any{broken{}, 1}), "[kernel.broken, which panics when it is printed 1]"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got, test.want)
		}
	}
	if got := resultText(r); !strings.HasPrefix(got, "&{0x") {
		t.Errorf("a ring is %s", got)
	}
	var wide [6][6][6][6]string
	for i := range wide {
		for j := range wide[i] {
			for k := range wide[i][j] {
				for l := range wide[i][j][k] {
					wide[i][j][k][l] = "item"
				}
			}
		}
	}
	if got := resultText(wide); len(got) > 1003 || !strings.HasSuffix(got, "...") {
		t.Errorf("a wide value gives %d bytes, %s", len(got), got)
	}
}

// allocated returns how many bytes of memory fn allocates.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestTextOfLargeValuesTakesLittleMemory(t *testing.T) {
	type record struct{ Data [1 << 22]byte }
	large := strings.Repeat("x", 1<<22)
	data, text, err := new(record), []string{large, large}, errors.New(large)
	if n := allocated(func() {
		Text(data)
		Text(&text)
		Text(&err)
		Quote(large)
	}); n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// A value may contain the same one in many places, so that its whole text would be huge.
func TestTextStopsWhereItIsLongEnough(t *testing.T) {
	line := strings.Repeat("x", 500)
	slice, entries := any(line), any(line)
	for range maxLevels {
		slice = []any{slice, slice, slice, slice, slice, slice}
		entries = map[int]any{0: entries, 1: entries, 2: entries, 3: entries, 4: entries, 5: entries}
	}
	for _, test := range []struct {
		name string
		v    any
		want string
	}{
		{"slice", slice, strings.Repeat("[", 6) + `"` + line + `" "` + line[:490] + "..."},
		{"map", entries, strings.Repeat("map[0:", 6) + `"` + line + `" 1:"` + line[:458] + "..."},
	} {
		got := ""
		if n := allocated(func() { got = resultText(test.v) }); n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", test.name, n)
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
