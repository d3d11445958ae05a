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
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// A round that must not see what earlier rounds have left in memory is done by a child process: this same program,
// started with an environment variable that says what to do. It answers with a sample in JSON. The servers of the stream
// workloads are child processes, too.

// childRequest is the environment variable that makes the program a child process.
const childRequest = "LOOPBENCH_CHILD"

type childTask struct {
	Peer     string       `json:"peer"`
	Workload string       `json:"workload"`
	Params   bench.Params `json:"params"`
	// Serve is what to serve; then there is no workload.
	Serve *serve.Task `json:"serve,omitempty"`
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

// startServer starts a child process that serves. env is added to its environment.
func startServer(ctx context.Context, peer, service string, env ...string) (*serve.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return serve.Start(ctx, service, func(task serve.Task) program.Command {
		request, err := json.Marshal(childTask{Peer: peer, Serve: &task})
		if err != nil {
			panic(err) // it consists of texts
		}
		return program.Command{Path: self, Env: append(env, childRequest+"="+string(request))}
	})
}

// runChild does what the request says and returns the exit status.
func runChild(request string, stdin io.Reader, stdout, stderr io.Writer) int {
	return status(doChild(request, stdin, stdout), stderr)
}

func doChild(request string, stdin io.Reader, stdout io.Writer) error {
	var task childTask
	if err := json.Unmarshal([]byte(request), &task); err != nil {
		return fmt.Errorf("%s: %w", childRequest, err)
	}
	for _, k := range knownPeers() {
		if k.Name != task.Peer || k.runtime != bench.Compiled {
			continue
		}
		m, err := k.start(context.Background(), nil)
		if err != nil {
			return err
		}
		if task.Serve != nil {
			return m.(*compiled).serve(*task.Serve, stdin, stdout)
		}
		for _, w := range bench.Workloads() {
			if w.Name == task.Workload && w.Service == "" && m.Does(w) {
				sample, err := m.Measure(context.Background(), w, task.Params)
				if err != nil {
					return err
				}
				return json.NewEncoder(stdout).Encode(sample)
			}
		}
	}
	return fmt.Errorf("%s: there is no workload %q of a peer %q", childRequest, task.Workload, task.Peer)
}
