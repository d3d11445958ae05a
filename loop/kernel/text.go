package kernel

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a program puts into its tasks gets into their descriptions, and from there into
// logs: names, results, exceptions. So their texts are short whatever the values are,
// take little time, and contain no control characters, with which a name could forge a
// line of a log. The limits on levels and items are those of Python's reprlib.
const (
	maxText   = 1000 // bytes of one name, result or exception
	maxItems  = 6    // of a slice, array or map
	maxLevels = 6    // of values in values
	maxNested = 3    // descriptions of futures in the descriptions of others
)

// Quote returns a name in single quotes, as in name='Task-1'. Characters that are not
// printable are escaped as in Go.
func Quote(name string) string {
	return "'" + strings.ReplaceAll(escape(cut(name)), "'", `\'`) + "'"
}

// Plain returns a name without quotes, or what Quote returns if that escapes something or
// there would be nothing to see.
func Plain(name string) string {
	quoted := Quote(name)
	if name == "" || quoted != "'"+name+"'" {
		return quoted
	}
	return name
}

// escape makes all of s printable.
func escape(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// cut returns the beginning of s if it is too long.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}

// Text returns the value that p points to as text, much as the verb %v of package fmt
// does. Strings are quoted, long texts and values with many items are cut, and values
// that contain themselves come to an end. It takes a pointer because the value may be a
// large array.
func Text(p any) string {
	var t text
	t.value(reflect.ValueOf(p).Elem(), maxLevels)
	return cut(t.String())
}

// text is the text of a value in the making.
type text struct{ strings.Builder }

func (t *text) value(v reflect.Value, levels int) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch {
	case t.Len() > maxText: // the rest would be cut off
	case !v.IsValid():
		t.WriteString("<nil>")
	case v.CanInterface() && describesItself(v.Type()):
		t.WriteString(escape(cut(OwnText(v.Interface()))))
	default:
		t.plain(v, levels)
	}
}

// plain adds a value that has no text of its own.
func (t *text) plain(v reflect.Value, levels int) {
	switch v.Kind() {
	case reflect.String:
		t.WriteString(strconv.Quote(cut(v.String())))
	case reflect.Slice, reflect.Array:
		t.items("[", "]", levels, v.Len(), maxItems, func(i int) { t.value(v.Index(i), levels-1) })
	case reflect.Struct:
		t.items("{", "}", levels, v.NumField(), v.NumField(), func(i int) { t.value(v.Field(i), levels-1) })
	case reflect.Map:
		t.entries(v, levels)
	case reflect.Pointer:
		switch {
		case v.IsNil():
			t.WriteString("<nil>")
		case levels == maxLevels && isComposite(v.Elem().Kind()): // as in package fmt
			t.WriteString("&")
			t.value(v.Elem(), levels-1)
		default:
			fmt.Fprintf(t, "%#x", v.Pointer())
		}
	default:
		fmt.Fprint(t, v)
	}
}

// items adds the first of n items in brackets, and how many more there are.
func (t *text) items(open, closed string, levels, n, most int, add func(i int)) {
	t.WriteString(open)
	if n > 0 && levels <= 0 {
		t.WriteString("..." + closed)
		return
	}
	shown := min(n, most)
	for i := range shown {
		if i > 0 {
			t.WriteString(" ")
		}
		add(i)
	}
	if n > shown {
		fmt.Fprintf(t, " <%d more>", n-shown)
	}
	t.WriteString(closed)
}

// entries adds the entries of a map, in the order of the texts of their keys. Of a large
// map it adds only their number: to choose among them would take a look at all.
func (t *text) entries(m reflect.Value, levels int) {
	if m.Len() > maxItems {
		fmt.Fprintf(t, "map[<%d entries>]", m.Len())
		return
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	var entries []entry
	for all := m.MapRange(); all.Next(); {
		var key text
		key.value(all.Key(), levels-1)
		entries = append(entries, entry{key.String(), all.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	t.items("map[", "]", levels, len(entries), maxItems, func(i int) {
		t.WriteString(entries[i].key + ":")
		t.value(entries[i].value, levels-1)
	})
}

func isComposite(k reflect.Kind) bool {
	return k == reflect.Array || k == reflect.Slice || k == reflect.Struct || k == reflect.Map
}

// describesItself reports whether values of type t have a method that returns their text.
func describesItself(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[error]()) || t.Implements(reflect.TypeFor[fmt.Stringer]()) ||
		t.Implements(reflect.TypeFor[fmt.Formatter]())
}

// OwnText returns the text of an error or another value that has a method for it. The
// method is the program's, and may panic.
func OwnText(v any) (text string) {
	defer func() {
		if recover() == nil {
			return
		}
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			text = "<nil>"
		} else {
			text = fmt.Sprintf("%T, which panics when it is printed", v)
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}
