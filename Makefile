# Tools that the code does not depend on run by pinned version, out of go.mod.
# U1000 is off because it does not see that methods are used through the
# constraint of a type parameter.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 -checks inherit,-U1000
PYTHON     ?= python3
MUTANTS    ?= 50

.PHONY: check lint test conform mutants bench fmt
.NOTPARALLEL: # lint first, which is quick, and test last, whose verdict ends the output

# What must be green before a change is finished.
check: lint test

# What can be said without running anything.
lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

# All tests, with the race detector; those of tasks on the second handoff too.
test:
	go test -race ./...
	go test -race ./task -pull

# 20,000 fresh random programs of each kind against a local CPython 3.13 or newer.
conform:
	for profile in core combinators scopes sync queues eager mixed; do \
		go run ./cmd/conform -engine all -oracle $(PYTHON) -seed "$$(date +%s)" -count 20000 -profile $$profile || exit 1; \
	done

# What no test would notice: small changes to the library, a sample of each package.
mutants:
	go run ./cmd/mutants -n $(MUTANTS) -seed "$$(date +%s)"

bench:
	go run ./cmd/loopbench

fmt:
	gofmt -w .
