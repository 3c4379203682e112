// node:test: one process for every test file, as `node --test` does it. No code of the project runs in this one.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';

const place = process.argv[2];
const { node, args, files, cwd, concurrency, record, mark } = JSON.parse(readFileSync(place, 'utf8'));
unlinkSync(place);
const fd = openSync(record, 'a');
const write = (line) => writeSync(fd, `${mark} ${JSON.stringify(line)}\n`);

let next = 0;
let failed = false;
function one({ file, secret }) {
  return new Promise((done) => {
    const began = Date.now();
    const child = spawn(node, [...args, file], {
      cwd,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, REDGREEN_RUN: secret },
    });
    const end = (code, signal, problem) => {
      failed ||= code !== 0;
      write({ kind: 'process', file, code, signal, problem, ms: Date.now() - began });
      done();
    };
    child.on('error', (error) => end(null, null, String(error)));
    child.on('exit', (code, signal) => end(code, signal, null));
  });
}
async function worker() {
  while (next < files.length) {
    next += 1;
    await one(files[next - 1]);
  }
}
await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
write({ kind: 'end' });
closeSync(fd);
process.exitCode = failed ? 1 : 0;
