package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Value is what a program computes with: the JSON values of the language,
// and the exceptions that gather collects. The nil Value is null. A trace
// shows a value with show.
type Value interface{ show() string }

type (
	boolean bool
	integer int64
	text    string
	array   []Value
	failure struct{ err error }
	octets  []byte // what streams carry
)

func (v boolean) show() string { return strconv.FormatBool(bool(v)) }
func (v integer) show() string { return strconv.FormatInt(int64(v), 10) }
func (v text) show() string    { return string(v) }
func (v failure) show() string { return showException(v.err) }

// Longer data are shown by their beginning and size. How a kernel cuts a large block is
// not the language's business, so that the size of what may be a part of one is not shown.
const (
	mostBytesShown   = 40
	mostBytesCounted = 70_000
)

func (v octets) show() string {
	if len(v) <= mostBytesShown {
		return strconv.Quote(string(v))
	}
	return strconv.Quote(string(v[:8])+"...") + " " + size(len(v)).show() + " bytes"
}

// size is a number of bytes.
type size int

func (n size) show() string {
	if n > mostBytesCounted {
		return "many"
	}
	return integer(n).show()
}

func (v array) show() string {
	shown := make([]string, len(v))
	for i, element := range v {
		shown[i] = show(element)
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

// show returns the text of any value, nil included.
func show(v Value) string {
	if v == nil {
		return "null"
	}
	return v.show()
}

// parseValue turns a JSON value, decoded with UseNumber, into a Value.
func parseValue(data any) (Value, error) {
	switch data := data.(type) {
	case nil:
		return nil, nil
	case bool:
		return boolean(data), nil
	case string:
		return text(data), nil
	case json.Number:
		n, err := data.Int64()
		if err != nil {
			return nil, fmt.Errorf("%s is not an integer", data)
		}
		return integer(n), nil
	case []any:
		values := make(array, len(data))
		for i, element := range data {
			var err error
			if values[i], err = parseValue(element); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	return nil, fmt.Errorf("%v is not a value", data)
}

// compareItems orders the items of a priority queue: integers, or arrays of an
// integer and a string, which are compared element by element.
func compareItems(a, b Value) int {
	switch a := a.(type) {
	case integer:
		return cmp.Compare(a, b.(integer))
	case text:
		return cmp.Compare(a, b.(text))
	case array:
		return slices.CompareFunc(a, b.(array), compareItems)
	}
	panic(fmt.Sprintf("scenario: %s cannot be an item of a priority queue", show(a)))
}
