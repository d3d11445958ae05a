package tasktest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// RunSuite runs a type's tests: its methods TestX(ctx context.Context, t *T), in the order of
// their names. Each is a subtest as of [Run], with a loop and a new value of its own, for which
// suite is called. The value may also have
//
//	SetUp(t *T)
//	AsyncSetUp(ctx context.Context, t *T)
//	AsyncTearDown(ctx context.Context, t *T)
//	TearDown(t *T)
//
// which run before and after each test, in this order and all in one task; then come the
// functions of [T.AsyncCleanup]. If a set-up ends by Fatal or Skip, there is neither test nor
// tear-down, but the clean-ups run. If the test does, everything runs that comes after
// it. Tasks that are left are cancelled silently, as if by [AllowTasks].
//
// A type without tests, and a method with such a name but another signature, fail the test.
// RunSuite panics if suite is nil, with an error that matches loop.ErrNilFunc. It is Python's
// IsolatedAsyncioTestCase.
func RunSuite(t *testing.T, suite func() any, opts ...Option) {
	notNil("RunSuite", suite == nil)
	t.Helper()
	tests, err := testsOf(reflect.TypeOf(suite()))
	if err != nil {
		t.Fatalf("tasktest: RunSuite: %v", err)
	}
	opts = append([]Option{AllowTasks(), calledAt(callSite())}, opts...)
	for _, name := range tests {
		t.Run(name, func(t *testing.T) {
			Run(t, func(ctx context.Context, t *T) {
				runCase(ctx, t, suite(), name)
			}, opts...)
		})
	}
}

// runCase runs one test of a suite, with what comes before and after it.
func runCase(ctx context.Context, t *T, suite any, name string) {
	if s, ok := suite.(interface{ SetUp(t *T) }); ok {
		s.SetUp(t)
	}
	if s, ok := suite.(interface {
		AsyncSetUp(ctx context.Context, t *T)
	}); ok {
		s.AsyncSetUp(ctx, t)
	}
	if s, ok := suite.(interface{ TearDown(t *T) }); ok {
		defer s.TearDown(t)
	}
	if s, ok := suite.(interface {
		AsyncTearDown(ctx context.Context, t *T)
	}); ok {
		defer s.AsyncTearDown(ctx, t)
	}
	test := reflect.ValueOf(suite).MethodByName(name).Interface().(func(ctx context.Context, t *T))
	test(ctx, t)
	if err := t.run.awaitEventually(ctx); err != nil && !t.Failed() { // before what it may need is torn down
		t.Fatal(err)
	}
}

var (
	plainMethod = reflect.TypeFor[func(t *T)]()
	asyncMethod = reflect.TypeFor[func(ctx context.Context, t *T)]()
)

// around are the methods that run before and after a test.
var around = map[string]reflect.Type{
	"SetUp": plainMethod, "AsyncSetUp": asyncMethod, "AsyncTearDown": asyncMethod, "TearDown": plainMethod,
}

// testsOf returns the names of the tests of a suite. It checks the signatures of all methods
// that RunSuite calls.
func testsOf(suite reflect.Type) (tests []string, err error) {
	if suite == nil {
		return nil, fmt.Errorf("the suite is nil")
	}
	for i := range suite.NumMethod() {
		name := suite.Method(i).Name
		want := around[name]
		if isTest(name) {
			want = asyncMethod
			tests = append(tests, name)
		}
		// Of a value's method, since that of a type has the receiver as a parameter.
		if got := reflect.Zero(suite).Method(i).Type(); want != nil && got != want {
			return nil, fmt.Errorf("the method %s of %v is a %v: it must be a %v", name, suite, got, want)
		}
		for right := range around {
			if want == nil && strings.EqualFold(name, right) {
				return nil, fmt.Errorf("the method %s of %v must be called %s", name, suite, right)
			}
		}
	}
	if len(tests) > 0 {
		return tests, nil
	}
	if suite.Kind() != reflect.Pointer {
		if tests, _ := testsOf(reflect.PointerTo(suite)); len(tests) > 0 {
			return nil, fmt.Errorf("%v has no method %s: return a pointer, which has", suite, tests[0])
		}
	}
	return nil, fmt.Errorf("%v has no tests: methods TestX, each a %v", suite, asyncMethod)
}

// isTest reports whether a method is a test by its name, as go test does for functions.
func isTest(name string) bool {
	rest, ok := strings.CutPrefix(name, "Test")
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
}
