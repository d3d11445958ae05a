package check_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// recorder is a test that only notes whether it has failed.
type recorder struct {
	testing.TB
	failed bool
}

func (*recorder) Helper()                 {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

var (
	errTest  = errors.New("test error")
	errOther = errors.New("test error") // with the same text
)

func TestChecksPassAndFail(t *testing.T) {
	wrapped := fmt.Errorf("wrapped: %w", errTest)
	var none error
	var steps check.Steps
	steps.Add("a")
	steps.Of("b")()
	for name, test := range map[string]struct {
		call   func(t testing.TB)
		failed bool
	}{
		"Equal":                     {func(t testing.TB) { check.Equal(t, "", 1, 1) }, false},
		"Equal of others":           {func(t testing.TB) { check.Equal(t, "", 1, 2) }, true},
		"Equal of pointers":         {func(t testing.TB) { check.Equal(t, "", new(int), new(int)) }, true},
		"Equal of errors":           {func(t testing.TB) { check.Equal(t, "", errTest, errTest) }, false},
		"Equal of errors' texts":    {func(t testing.TB) { check.Equal(t, "", errTest, errOther) }, true},
		"Equal of no error":         {func(t testing.TB) { check.Equal(t, "", none, errTest) }, true},
		"Equal of nothing":          {func(t testing.TB) { check.Equal(t, "", none, nil) }, false},
		"Equal of types":            {func(t testing.TB) { check.Equal[any](t, "", 1, int64(1)) }, true},
		"Equal of slices":           {func(t testing.TB) { check.Equal(t, "", []any{1, []int{2}}, []any{1, []int{2}}) }, false},
		"Equal of other slices":     {func(t testing.TB) { check.Equal(t, "", []any{1, []int{2}}, []any{1, []int{3}}) }, true},
		"Equal of slices' pointers": {func(t testing.TB) { check.Equal(t, "", []error{errTest}, []error{errOther}) }, true},
		"Equal of a longer slice":   {func(t testing.TB) { check.Equal(t, "", []int{1, 2}, []int{1}) }, true},
		"True":                      {func(t testing.TB) { check.True(t, "", true) }, false},
		"True of false":             {func(t testing.TB) { check.True(t, "", false) }, true},
		"False":                     {func(t testing.TB) { check.False(t, "", false) }, false},
		"False of true":             {func(t testing.TB) { check.False(t, "", true) }, true},
		"Contains":                  {func(t testing.TB) { check.Contains(t, "abc", "a", "bc") }, false},
		"Contains not all":          {func(t testing.TB) { check.Contains(t, "abc", "a", "cb") }, true},
		"NoError":                   {func(t testing.TB) { check.NoError(t, none) }, false},
		"NoError of one":            {func(t testing.TB) { check.NoError(t, errTest) }, true},
		"Is":                        {func(t testing.TB) { check.Is(t, wrapped, errTest, "wrapped", "error") }, false},
		"Is another":                {func(t testing.TB) { check.Is(t, wrapped, errOther) }, true},
		"Is with another text":      {func(t testing.TB) { check.Is(t, wrapped, errTest, "other") }, true},
		"Is of none":                {func(t testing.TB) { check.Is(t, none, errTest) }, true},
		"IsFrom":                    {func(t testing.TB) { check.IsFrom(t, wrapped, errTest, "wrapped: ") }, false},
		"IsFrom elsewhere":          {func(t testing.TB) { check.IsFrom(t, wrapped, errTest, "test error") }, true},
		"IsFrom another":            {func(t testing.TB) { check.IsFrom(t, wrapped, errOther, "wrapped: ") }, true},
		"IsExactly":                 {func(t testing.TB) { check.IsExactly(t, wrapped, errTest, "wrapped: test error") }, false},
		"IsExactly more":            {func(t testing.TB) { check.IsExactly(t, wrapped, errTest, "wrapped: test") }, true},
		"IsExactly another":         {func(t testing.TB) { check.IsExactly(t, wrapped, errOther, "wrapped: test error") }, true},
		"Says":                      {func(t testing.TB) { check.Says(t, wrapped, "wrapped") }, false},
		"Says something else":       {func(t testing.TB) { check.Says(t, wrapped, "other") }, true},
		"Says of none":              {func(t testing.TB) { check.Says(t, none) }, true},
		"Cancelled":                 {func(t testing.TB) { check.Cancelled(t, &future.CancelledError{Message: "no"}, "no") }, false},
		"Cancelled with another":    {func(t testing.TB) { check.Cancelled(t, &future.CancelledError{Message: "no"}, "") }, true},
		"Cancelled of an error":     {func(t testing.TB) { check.Cancelled(t, errTest, "") }, true},
		"Panics":                    {func(t testing.TB) { check.Equal(t, "", check.Panics(t, func() { panic(errTest) }), errTest) }, false},
		"Panics with a text":        {func(t testing.TB) { check.Panics(t, func() { panic("text") }) }, true},
		"Panics not":                {func(t testing.TB) { check.Panics(t, func() {}) }, true},
		"ErrorOf a panic":           {func(t testing.TB) { check.Equal(t, "", check.ErrorOf(func() error { panic(errTest) }), errTest) }, false},
		"ErrorOf a result":          {func(t testing.TB) { check.Equal(t, "", check.ErrorOf(func() error { return errTest }), errTest) }, false},
		"Steps":                     {func(t testing.TB) { steps.Check(t, "a", "b") }, false},
		"Steps in another order":    {func(t testing.TB) { steps.Check(t, "b", "a") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			test.call(r)
			if r.failed != test.failed {
				t.Errorf("failed = %t, want %t", r.failed, test.failed)
			}
		})
	}
}
