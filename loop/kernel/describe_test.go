package kernel

import (
	"fmt"
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

// namedOwner is the owner of a future that has a name, as a task is.
type namedOwner struct{ testOwner }

func (*namedOwner) Name() string { return `a "b"` }

func TestFutureTextLooksAtNothingOfARunningLoopElsewhere(t *testing.T) {
	for _, test := range []struct {
		owner           Owner
		here, elsewhere string
	}{
		{nil, "<Future pending>", ""},
		{new(testOwner), "<Test>", ""},
		{new(namedOwner), "<Test>", `<Test "a \"b\"">`},
	} {
		k, _ := newKernel(t)
		var p Promise
		p.Init(k, test.owner)
		if test.elsewhere == "" {
			test.elsewhere = fmt.Sprintf("<Future %p>", &p.Future)
		}
		soon(k, func() {
			mustBe(t, "the text on the loop", p.Text(), test.here)
			elsewhere(func() { mustBe(t, "the text elsewhere", p.Text(), test.elsewhere) })
		})
		runOnce(t, k)
	}
	mustBe(t, "the text of the zero future", new(Future).Text(), "<Future pending>")
}
