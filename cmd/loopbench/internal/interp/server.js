// loopbench's servers on Node.js.
//
// Its arguments are the service and the directory of the certificate ('' for plain TCP). It says in a line of JSON
// where it listens, then answers each line of JSON with one (what it has used so far), until its standard input ends.
'use strict';
const net = require('node:net');
const tls = require('node:tls');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

// Calls take with each n bytes of the socket.
function exactly(socket, n, take) {
  let rest = [], length = 0;
  socket.on('data', chunk => {
    if (length > 0) {
      rest.push(chunk);
      if (length + chunk.length < n) { length += chunk.length; return; }
      chunk = Buffer.concat(rest);
      rest = [];
    }
    let start = 0;
    for (; chunk.length - start >= n; start += n) take(chunk.subarray(start, start + n));
    length = chunk.length - start;
    if (length > 0) rest.push(chunk.subarray(start));
  });
}

// Writes and, when the buffer is full, reads nothing more until it has drained.
function answerWith(socket, bytes) {
  if (socket.write(bytes)) return;
  socket.pause();
  socket.once('drain', () => socket.resume());
}

function echo(socket) {
  exactly(socket, 1024, request => answerWith(socket, request));
}

function lines(socket) {
  let rest = null;
  socket.on('data', chunk => {
    if (rest) chunk = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end; (end = chunk.indexOf(10, start)) >= 0; start = end + 1) answerWith(socket, chunk.subarray(start, end + 1));
    rest = start < chunk.length ? chunk.subarray(start) : null;
  });
}

function bulk(socket) {
  const block = Buffer.alloc(65536);
  exactly(socket, 8, request => {
    let left = request.readBigUInt64BE();
    const send = () => {
      while (left > 0n) {
        left--;
        if (!socket.write(block)) { socket.once('drain', send); return; }
      }
    };
    send();
  });
}

function byte(socket) {
  exactly(socket, 1, request => socket.end(request));
}

const services = { echo, lines, bulk, bulk_tls: bulk, byte };

function usage() {
  const used = process.cpuUsage();
  return { cpu_ns: (used.user + used.system) * 1000, resident: process.memoryUsage.rss() };
}

const [service, certificate] = process.argv.slice(1);
const say = answer => fs.writeSync(1, JSON.stringify(answer) + '\n');
const serve = socket => {
  socket.setNoDelay(true);
  socket.on('error', () => {}); // a client that has gone is the usual end
  services[service](socket);
};
const pem = name => fs.readFileSync(path.join(certificate, name));
const server = certificate
  ? tls.createServer({ cert: pem('cert.pem'), key: pem('key.pem'), minVersion: 'TLSv1.3' }, serve)
  : net.createServer(serve);
server.listen(0, '127.0.0.1', () => {
  say({ address: '127.0.0.1:' + server.address().port });
  const questions = readline.createInterface({ input: process.stdin });
  questions.on('line', line => {
    if (JSON.parse(line).collect) global.gc();
    say(usage());
  });
  questions.on('close', () => process.exit(0));
});
