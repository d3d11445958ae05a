#!/bin/sh
# Compares the speed of a commit with that of the working tree as it is, and prints benchstat's table:
#
#	make bench-compare BASE=main
#
# Both are built, and the key workloads of both run in many short rounds that take turns, so that whatever else the machine
# does hits both alike. ROUNDS and RUN change how often, and which workloads. It needs git and Go, and leaves nothing behind.
set -eu

base=${1:?which commit is the working tree to be compared with? make bench-compare BASE=main}
: "${BENCHSTAT:?the command that compares is missing: start this by make}"
rounds=${ROUNDS:-20}
# What programs do most, and what comes from outside.
key='call_soon_chain call_soon_batch timer_add_cancel yield_1 yield_100 create_await gather_nop future_pingpong
	cancel_storm wait_for_nofire lock_contended queue_pingpong barrier_rounds threadsafe_roundtrip threadsafe_throughput
	to_thread_roundtrip pair_echo'
workloads=${RUN:-$key}

cd "$(git rev-parse --show-toplevel)"
commit=$(git rev-parse --verify --quiet "$base^{commit}") || {
	echo "compare: there is no commit $base" >&2
	exit 2
}
scratch=$(mktemp -d)
clean_up() {
	git worktree remove --force "$scratch/tree" 2>/dev/null || true
	rm -rf "$scratch"
	git worktree prune
}
trap clean_up EXIT
trap 'exit 130' INT TERM

git worktree add --quiet --detach "$scratch/tree" "$commit"
(cd "$scratch/tree" && go test -c -o "$scratch/base.test" ./cmd/loopbench)
go test -c -o "$scratch/new.test" ./cmd/loopbench

# A round of a workload is a process: where its memory happens to lie makes a difference, too. The best of five short runs
# is what counts, since others can only make it slower.
run() {
	"$scratch/$1.test" -test.run=- -test.bench="/^$2\$/^peer=loop\$" -test.benchtime=10ms -test.count=5 >"$scratch/out" || {
		cat "$scratch/out" >&2
		exit 1
	}
	awk '/^Benchmark/ { if (best == "" || $3 < least) { best = $0; least = $3 }; next } { print } END { print best }' \
		"$scratch/out" >>"$scratch/$1.txt"
}

round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	[ ! -t 2 ] || printf '\rround %d of %d' "$round" "$rounds" >&2
	for workload in $workloads; do
		if [ $((round % 2)) = 1 ]; then
			run base "$workload"
			run new "$workload"
		else
			run new "$workload"
			run base "$workload"
		fi
	done
done
[ ! -t 2 ] || printf '\r\033[K' >&2

echo "base: $(git log -1 --format='%h %s' "$commit")"
echo "new: the working tree"
$BENCHSTAT base="$scratch/base.txt" new="$scratch/new.txt"
