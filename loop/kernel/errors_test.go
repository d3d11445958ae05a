package kernel

import (
	"errors"
	"fmt"
	"testing"
)

// brittle is an error whose methods panic, as those of a nil pointer do.
type brittle struct{}

func (brittle) Error() string   { return "brittle" }
func (brittle) Unwrap() error   { panic("no cause") }
func (brittle) Is(_ error) bool { panic("no match") }

func TestErrorWhoseMethodsPanicWrapsAndMatchesNothing(t *testing.T) {
	wrapping := fmt.Errorf("it failed: %w", errTest)
	mustBe(t, "what an error wraps", Unwrap(wrapping), errTest)
	mustBe(t, "what a plain error wraps", Unwrap(errTest), nil)
	mustBe(t, "what a brittle error wraps", Unwrap(brittle{}), nil)
	mustBe(t, "a match", Is(wrapping, errTest), true)
	mustBe(t, "a match with another error", Is(wrapping, errors.New("other")), false)
	mustBe(t, "a match of a brittle error", Is(brittle{}, errTest), false)
}
