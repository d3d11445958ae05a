package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// A round that must not see what earlier rounds have left in memory is done by a child process: this same program,
// started with an environment variable that says what to do. It answers with a sample in JSON.

// childRequest is the environment variable that makes the program a child process.
const childRequest = "LOOPBENCH_CHILD"

type childTask struct {
	Peer     string       `json:"peer"`
	Workload string       `json:"workload"`
	Params   bench.Params `json:"params"`
}

func startChild(ctx context.Context, task childTask) (bench.Sample, error) {
	request, err := json.Marshal(task)
	if err != nil {
		return bench.Sample{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return bench.Sample{}, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childRequest+"="+string(request))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return bench.Sample{}, fmt.Errorf("%s: %s in a process of its own: %w: %s", task.Peer, task.Workload, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var sample bench.Sample
	if err := json.Unmarshal(stdout.Bytes(), &sample); err != nil {
		return bench.Sample{}, fmt.Errorf("%s: %s in a process of its own: %w", task.Peer, task.Workload, err)
	}
	return sample, nil
}

// runChild does what the request says and returns the exit status.
func runChild(request string, stdout, stderr io.Writer) int {
	sample, err := doChild(request)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(sample)
	}
	return status(err, stderr)
}

func doChild(request string) (bench.Sample, error) {
	var task childTask
	if err := json.Unmarshal([]byte(request), &task); err != nil {
		return bench.Sample{}, fmt.Errorf("%s: %w", childRequest, err)
	}
	for _, k := range knownPeers() {
		if k.Name != task.Peer || !k.compiled {
			continue
		}
		m, err := k.start(context.Background(), nil)
		if err != nil {
			return bench.Sample{}, err
		}
		for _, w := range bench.Workloads() {
			if w.Name == task.Workload && m.Does(w) {
				return m.Measure(context.Background(), w, task.Params)
			}
		}
	}
	return bench.Sample{}, fmt.Errorf("%s: there is no workload %q of a peer %q", childRequest, task.Workload, task.Peer)
}
