package task_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// The program of the README.
func Example() {
	download := func(name string, takes time.Duration) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			fmt.Println(name, "begins")
			err := task.Sleep(ctx, takes) // stands for the network
			fmt.Println(name, "ends")
			return len(name), err
		}
	}
	err := task.Main(context.Background(), func(ctx context.Context) error {
		all := task.Gather(ctx,
			download("one", 300*time.Millisecond),
			download("two", 200*time.Millisecond),
			download("three", 100*time.Millisecond),
		)
		sizes, err := task.WaitFor(ctx, all, time.Minute)
		fmt.Println("sizes:", sizes)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// one begins
	// two begins
	// three begins
	// three ends
	// two ends
	// one ends
	// sizes: [3 3 5]
}

// What compiles here must be what the README shows, and what it prints is checked
// above.
func TestReadmeShowsTheFirstExample(t *testing.T) {
	const example = "example_readme_test.go"
	for _, part := range []struct {
		name           string
		shown, checked string
	}{
		{
			"program",
			between(t, "../README.md", "\nfunc main() {\n", "\n}\n"),
			between(t, example, "\nfunc Example() {\n", "\t// Output:"),
		},
		{
			"output",
			strings.ReplaceAll(between(t, "../README.md", "prints, in every run:\n\n    ", "\n\n"), "\n    ", "\n"),
			strings.ReplaceAll(between(t, example, "\t// Output:\n\t// ", "\n}\n"), "\n\t// ", "\n"),
		},
	} {
		if part.shown != part.checked {
			t.Errorf("%s: README.md shows\n%s\n\nbut the example has\n%s", part.name, part.shown, part.checked)
		}
	}
}

// between returns what a file has between head and the next tail.
func between(t *testing.T, file, head, tail string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("%s has no %q", file, head)
	}
	inner, _, found := strings.Cut(rest, tail)
	if !found {
		t.Fatalf("%s has no %q after %q", file, tail, head)
	}
	return strings.TrimSpace(inner)
}
