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
	if got := FuncName(7); got != "int" {
		t.Errorf("a number is called %q", got)
	}
}

// mute is an error that cannot say what it is.
type mute struct{}

func (mute) Error() string { panic("mute") }

func TestDescribeSurvivesAnErrorThatPanics(t *testing.T) {
	k, _ := newKernel(t)
	var p Promise
	p.Init(k, nil)
	p.Finish(mute{})
	p.Forget()
	if got, want := p.String(), "<Future finished exception=%!q(PANIC=Error method: mute)>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
