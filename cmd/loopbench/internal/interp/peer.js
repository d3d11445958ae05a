// loopbench's workloads on Node.js.
//
// It says hello in one line of JSON, then answers each line of JSON (what to do, how much) with one (what it
// measured), until its standard input ends. A task is an async function, which runs at once up to its first await; a
// future is a promise; a callback on the loop is a setImmediate. Node's library has no lock and no queue: the two
// classes below are the usual ones. What it has no counterpart for at all is left out.
'use strict';
const { Worker } = require('node:worker_threads');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const fs = require('node:fs');

const now = () => performance.now() * 1e6;

class Stopwatch {
  constructor(metric) {
    this.read = {
      wall: now,
      latency: now,
      cpu: () => { const used = process.cpuUsage(); return (used.user + used.system) * 1000; },
      resident: () => process.memoryUsage().rss,
    }[metric];
    this.total = 0;
    this.ops = 0;
    this.latencies = [];
  }
  start() {
    if (global.gc) global.gc();
    this.began = this.read();
  }
  stop(ops) {
    this.total += this.read() - this.began;
    this.ops += ops;
  }
}

// The generator that all peers use.
class Random {
  constructor() { this.state = 42; }
  between(low, high) {
    this.state = this.state * 16807 % 2147483647;
    return low + this.state / 2147483647 * (high - low);
  }
}

function deferred() {
  const d = {};
  d.promise = new Promise((resolve, reject) => { d.resolve = resolve; d.reject = reject; });
  return d;
}

// FIFO: release hands the lock to the one who has waited longest.
class Lock {
  constructor() { this.locked = false; this.waiters = []; this.first = 0; }
  async acquire() {
    if (!this.locked) { this.locked = true; return; }
    const d = deferred();
    this.waiters.push(d);
    await d.promise;
  }
  release() {
    if (this.first === this.waiters.length) { this.locked = false; return; }
    this.waiters[this.first++].resolve();
    if (this.first === this.waiters.length) { this.waiters = []; this.first = 0; }
  }
}

class Queue {
  constructor(size) { this.size = size; this.items = []; this.first = 0; this.getters = []; this.putters = []; }
  get length() { return this.items.length - this.first; }
  async put(item) {
    while (this.length >= this.size) {
      const d = deferred();
      this.putters.push(d);
      await d.promise;
    }
    this.items.push(item);
    const getter = this.getters.shift();
    if (getter) getter.resolve();
  }
  async get() {
    while (this.length === 0) {
      const d = deferred();
      this.getters.push(d);
      await d.promise;
    }
    const item = this.items[this.first++];
    if (this.first === this.items.length) { this.items = []; this.first = 0; }
    const putter = this.putters.shift();
    if (putter) putter.resolve();
    return item;
  }
}

const nop = async () => 1;
const range = n => Array.from({ length: n });

const workloads = {
  async call_soon_chain(p, watch) {
    const done = deferred();
    let left = p.ops;
    const step = () => { if (--left > 0) setImmediate(step); else done.resolve(); };
    watch.start();
    setImmediate(step);
    await done.promise;
    watch.stop(p.ops - left);
  },

  async call_soon_batch(p, watch) {
    let ran = 0;
    let done;
    const callback = () => { if (++ran % p.width === 0) done.resolve(); };
    watch.start();
    for (let b = 0; b < p.batches; b++) {
      done = deferred();
      for (let i = 0; i < p.width; i++) setImmediate(callback);
      await done.promise;
    }
    watch.stop(ran);
  },

  async timer_add_cancel(p, watch) {
    const random = new Random();
    watch.start();
    for (let b = 0; b < p.batches; b++) {
      const live = range(p.width).map(() => setTimeout(nop, random.between(1000, 3601000)));
      for (const timer of live) clearTimeout(timer);
      await new Promise(setImmediate);
    }
    watch.stop(p.batches * p.width);
  },

  async timer_fire(p, watch) {
    const random = new Random();
    let fired = 0;
    let done;
    const fire = () => { if (++fired % p.width === 0) done.resolve(); };
    watch.start();
    for (let b = 0; b < p.batches; b++) {
      done = deferred();
      const start = performance.now();
      for (let i = 0; i < p.width; i++) {
        const deadline = start + random.between(p.span / 2, p.span * 3 / 2);
        setTimeout(fire, deadline - performance.now());
      }
      await done.promise;
    }
    watch.stop(fired);
  },

  async sleep_accuracy(p, watch) {
    const random = new Random();
    watch.start();
    for (let i = 0; i < p.ops; i++) {
      const d = random.between(p.span / 10, p.span);
      const start = now();
      await new Promise(resolve => setTimeout(resolve, d));
      watch.latencies.push(Math.round(now() - start - d * 1e6));
    }
    watch.stop(p.ops);
  },

  async yield(p, watch) {
    const steps = p.batches;
    const gate = deferred();
    const finished = deferred();
    let running = p.width;
    let done = 0;
    const worker = async () => {
      await gate.promise;
      for (let i = 0; i < steps; i++) await null;
      done += steps;
      if (--running === 0) finished.resolve();
    };
    for (let i = 0; i < p.width; i++) worker();
    watch.start();
    gate.resolve();
    await finished.promise;
    watch.stop(done);
  },

  async create_await(p, watch) {
    let done = 0;
    watch.start();
    for (let i = 0; i < p.ops; i++) done += await nop();
    watch.stop(done);
  },

  async gather_nop(p, watch) {
    let ran = 0;
    watch.start();
    for (let b = 0; b < p.batches; b++) {
      const results = await Promise.all(range(p.width).map(() => nop()));
      ran = results.reduce((a, v) => a + v, ran);
    }
    watch.stop(ran);
  },

  async async_tree_none(p, watch) {
    let levels = 1;
    let tasks = 6;
    while (tasks + 6 ** (levels + 1) <= p.width) tasks += 6 ** ++levels;
    let ran = 0;
    const node = async level => {
      ran++;
      if (level > 0) await Promise.all(range(6).map(() => node(level - 1)));
    };
    watch.start();
    for (let i = 0; i < p.ops; i++) await node(levels);
    watch.stop(ran / (tasks + 1));
  },

  async future_pingpong(p, watch) {
    let ping = deferred();
    let pong;
    const other = (async () => {
      for (let i = 0; i < p.ops; i++) {
        const v = await ping.promise;
        ping = deferred();
        pong.resolve(v);
      }
    })();
    let trips = 0;
    watch.start();
    for (let i = 0; i < p.ops; i++) {
      pong = deferred();
      ping.resolve(i);
      if (await pong.promise === i) trips++;
    }
    watch.stop(trips);
    await other;
  },

  async event_fanout(p, watch) {
    for (let b = 0; b < p.batches; b++) {
      const event = deferred();
      const finished = deferred();
      let woken = 0;
      const waiter = async () => {
        await event.promise;
        if (++woken === p.width) finished.resolve();
      };
      for (let i = 0; i < p.width; i++) waiter();
      watch.start();
      event.resolve();
      await finished.promise;
      watch.stop(woken);
    }
  },

  async cancel_storm(p, watch) {
    let cancelled = 0;
    watch.start();
    for (let b = 0; b < p.batches; b++) {
      const aborts = [];
      const tasks = [];
      for (let i = 0; i < p.width; i++) {
        const abort = new AbortController();
        aborts.push(abort);
        tasks.push(sleep(3600000, null, { signal: abort.signal }));
      }
      await null;
      for (const abort of aborts) abort.abort();
      for (const outcome of await Promise.allSettled(tasks)) if (outcome.status === 'rejected') cancelled++;
    }
    watch.stop(cancelled);
  },

  async wait_for_nofire(p, watch) {
    const step = async () => { await null; return 1; };
    const waitFor = async (promise, ms) => {
      let timer;
      const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('timeout')), ms); });
      try {
        return await Promise.race([promise, late]);
      } finally {
        clearTimeout(timer);
      }
    };
    let done = 0;
    watch.start();
    for (let i = 0; i < p.ops; i++) done += await waitFor(step(), 60000);
    watch.stop(done);
  },

  async lock_contended(p, watch) {
    const lock = new Lock();
    const each = p.batches;
    let done = 0;
    const worker = async () => {
      for (let i = 0; i < each; i++) {
        await lock.acquire();
        try {
          await null;
        } finally {
          lock.release();
        }
      }
      done += each;
    };
    watch.start();
    await Promise.all(range(p.width).map(worker));
    watch.stop(done);
  },

  async queue_pingpong(p, watch) {
    const ping = new Queue(1);
    const pong = new Queue(1);
    const other = (async () => { for (let i = 0; i < p.ops; i++) await pong.put(await ping.get()); })();
    let trips = 0;
    watch.start();
    for (let i = 0; i < p.ops; i++) {
      await ping.put(i);
      if (await pong.get() === i) trips++;
    }
    watch.stop(trips);
    await other;
  },

  async queue_throughput(p, watch) {
    const queue = new Queue(p.width);
    let got = 0;
    watch.start();
    const producer = (async () => { for (let i = 0; i < p.ops; i++) await queue.put(i); })();
    for (let i = 0; i < p.ops; i++) {
      await queue.get();
      got++;
    }
    watch.stop(got);
    await producer;
  },

  async threadsafe_roundtrip(p, watch) {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const client = new Worker(`
      const { parentPort, workerData } = require('node:worker_threads');
      const { performance } = require('node:perf_hooks');
      const { shared, ops } = workerData;
      const latencies = [];
      let total = 0;
      for (let i = 0; i < ops; i++) {
        const start = performance.now();
        Atomics.store(shared, 0, 0);
        parentPort.postMessage(null);
        Atomics.wait(shared, 0, 0);
        total += Atomics.load(shared, 0);
        latencies.push(Math.round((performance.now() - start) * 1e6));
      }
      parentPort.postMessage({ latencies, total });
    `, { eval: true, workerData: { shared, ops: p.ops } });
    watch.start();
    await new Promise((resolve, reject) => {
      client.on('error', reject);
      client.on('message', async message => {
        if (message !== null) {
          watch.latencies = message.latencies;
          watch.stop(message.total);
          resolve();
          return;
        }
        Atomics.store(shared, 0, await nop());
        Atomics.notify(shared, 0);
      });
    });
    await client.terminate();
  },

  async threadsafe_throughput(p, watch) {
    const each = p.batches;
    const done = deferred();
    const ready = deferred();
    let started = 0;
    let ran = 0;
    const producers = range(p.width).map(() => new Worker(`
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.on('message', () => { for (let i = 0; i < workerData; i++) parentPort.postMessage(i); });
      parentPort.postMessage('ready');
    `, { eval: true, workerData: each }));
    for (const producer of producers) {
      producer.on('error', done.reject);
      producer.on('message', message => {
        if (message === 'ready') {
          if (++started === p.width) ready.resolve();
        } else if (++ran === each * p.width) {
          done.resolve();
        }
      });
    }
    await ready.promise;
    watch.start();
    for (const producer of producers) producer.postMessage('go');
    await done.promise;
    watch.stop(ran);
    await Promise.all(producers.map(producer => producer.terminate()));
  },

  async to_thread_roundtrip(p, watch) {
    const worker = new Worker(`
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', () => parentPort.postMessage(1));
    `, { eval: true });
    let answer;
    worker.on('message', message => answer.resolve(message));
    worker.on('error', error => answer.reject(error));
    const call = () => {
      answer = deferred();
      worker.postMessage(null);
      return answer.promise;
    };
    await call();
    let done = 0;
    watch.start();
    for (let i = 0; i < p.ops; i++) {
      const start = now();
      done += await call();
      watch.latencies.push(Math.round(now() - start));
    }
    watch.stop(done);
    await worker.terminate();
  },

  async memory_parked(p, watch) {
    const pending = deferred();
    const parked = async () => { await pending.promise; };
    watch.start();
    const tasks = [];
    for (let i = 0; i < p.width; i++) tasks.push(parked());
    watch.stop(tasks.length);
    pending.resolve();
    await Promise.all(tasks);
  },
};

async function measure(request) {
  const watch = new Stopwatch(request.metric);
  const { ops, width, span_ns } = request.params;
  const p = { ops, width, span: span_ns / 1e6, batches: Math.max(1, Math.ceil(ops / width)) };
  await workloads[request.workload](p, watch);
  return { ops: watch.ops, total: watch.total, latencies: watch.latencies };
}

async function main() {
  const say = answer => fs.writeSync(1, JSON.stringify(answer) + '\n');
  say({ version: 'Node.js ' + process.versions.node, workloads: Object.keys(workloads) });
  let buffered = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    buffered += chunk;
    for (let end; (end = buffered.indexOf('\n')) >= 0;) {
      const line = buffered.slice(0, end);
      buffered = buffered.slice(end + 1);
      try {
        say(await measure(JSON.parse(line)));
      } catch (error) {
        say({ error: String(error) });
      }
    }
  }
}

main();
