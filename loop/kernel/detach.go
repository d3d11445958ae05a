package kernel

import (
	"context"
	"reflect"
)

// detached returns err, or an error with its text if err might refer to a future or a
// context: a report that kept such an error would keep the future alive, and wait for its
// end for ever.
func detached(err error) error {
	budget := 200
	if selfContained(reflect.ValueOf(err), &budget) {
		return err
	}
	return &lostError{OwnText(err)}
}

// lostError stands for an error that is gone.
type lostError struct{ text string }

func (e *lostError) Error() string { return e.text }

var contextType = reflect.TypeFor[context.Context]()

// selfContained reports whether all that v refers to is known to be plain data. It gives
// up when it has looked at as many values as the budget allows.
func selfContained(v reflect.Value, budget *int) bool {
	*budget--
	if *budget < 0 {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || !v.Type().Implements(contextType) && selfContained(v.Elem(), budget)
	case reflect.Struct:
		if v.Type().Implements(contextType) {
			return false
		}
		for i := range v.NumField() {
			if !selfContained(v.Field(i), budget) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if plain(v.Type().Elem().Kind()) {
			return true
		}
		for i := range v.Len() {
			if !selfContained(v.Index(i), budget) {
				return false
			}
		}
		return true
	case reflect.Map, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.IsNil()
	default:
		return plain(v.Kind())
	}
}

// plain reports whether values of the kind refer to nothing, or to text.
func plain(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}
