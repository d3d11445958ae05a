# Tools that the code does not depend on run by pinned version, out of go.mod.
# U1000 is off because it does not see that methods are used through the
# constraint of a type parameter.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 -checks inherit,-U1000
BENCHSTAT   = go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
ORACLE     ?= auto
MUTANTS    ?= 50

.PHONY: check lint test conform examples mutants bench bench-compare fmt
.NOTPARALLEL: # lint first, which is quick, and test last, whose verdict ends the output

# What must be green before a change is finished.
check: lint test

# What can be said without running anything.
lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

# All tests, with the race detector; those of coroutines on the second handoff too.
test:
	go test -race ./...
	go test -race ./future ./sync ./task ./task/monitor ./task/streams ./task/tracing -asyncio.handoff=iterpull

# 20,000 fresh random programs of each of the eight kinds against CPython: the best that is found here, or the one that
# ORACLE names. Those with streams need a native one, on Linux.
conform:
	go run ./cmd/conform -engine all -oracle "$(ORACLE)" -seed "$$(date +%s)" -count 160000

# The examples in docs that need other modules, which are a module of their own: no other target downloads those.
examples:
	cd docs/examples && go vet ./... && go test -race ./...

# What no test would notice: small changes to the library, a sample of each package.
mutants:
	go run ./cmd/mutants -n $(MUTANTS) -seed "$$(date +%s)"

bench:
	go run ./cmd/loopbench

# The speed of the working tree, beside that of the commit that BASE names: a few minutes.
bench-compare:
	@BENCHSTAT="$(BENCHSTAT)" cmd/loopbench/compare.sh "$(BASE)"

fmt:
	gofmt -w .
