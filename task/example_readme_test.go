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
			if err := task.Sleep(ctx, takes); err != nil { // stands for the network
				return 0, err
			}
			fmt.Println(name, "is here")
			return len(name), nil
		}
	}

	sizes, err := task.Run(context.Background(), func(ctx context.Context) ([]int, error) {
		all := task.Gather(ctx,
			download("one", 300*time.Millisecond),
			download("two", 200*time.Millisecond),
			download("three", 100*time.Millisecond),
		)
		return task.WaitFor(ctx, all, time.Minute)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sizes:", sizes)
	// Output:
	// one begins
	// two begins
	// three begins
	// three is here
	// two is here
	// one is here
	// sizes: [3 3 5]
}

// What compiles here must be what the README shows.
func TestReadmeShowsTheFirstExample(t *testing.T) {
	body := func(file, head, tail string) string {
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
	shown := body("../README.md", "\nfunc main() {\n", "\n}\n")
	compiled := body("example_readme_test.go", "\nfunc Example() {\n", "\t// Output:")
	if shown != compiled {
		t.Errorf("README.md shows\n%s\n\nbut the example is\n%s", shown, compiled)
	}
}
