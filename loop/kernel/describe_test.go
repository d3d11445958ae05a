package kernel

import (
	"regexp"
	"testing"
)

func tea() {}

func TestFuncName(t *testing.T) {
	if got := FuncName(tea); !regexp.MustCompile(`^kernel\.tea at describe_test\.go:\d+$`).MatchString(got) {
		t.Errorf("the function is called %q", got)
	}
	if got := FuncName((func())(nil)); got != "func()" {
		t.Errorf("a nil function is called %q", got)
	}
	if got := FuncName(new(testHost).Report); got != "kernel.(*testHost).Report" {
		t.Errorf("a method is called %q", got)
	}
	if got := FuncName(7); got != "int" {
		t.Errorf("a number is called %q", got)
	}
}
