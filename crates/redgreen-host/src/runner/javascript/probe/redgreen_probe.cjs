'use strict';
// Preloaded by redgreen before any code of the project. It reads the secret of this run and removes it, so that only
// the reporter of this run can write lines that are believed. The reader: redgreen-formats/src/javascript/records.rs.
const fs = require('node:fs');
const assert = require('node:assert');
const { isMainThread } = require('node:worker_threads');

const { stringify, parse } = JSON;
const { writeSync, openSync, readFileSync, unlinkSync } = fs;
const text = String;

let secret = null;
if (isMainThread && process.env.REDGREEN_RUN) {
  const place = process.env.REDGREEN_RUN;
  delete process.env.REDGREEN_RUN;
  try {
    secret = parse(readFileSync(place, 'utf8'));
    unlinkSync(place);
  } catch {
    secret = null; // a child of the first process: its parent has taken it
  }
}

const fd = secret ? openSync(secret.report, 'a') : -1;
function write(record) {
  if (fd < 0) return;
  try {
    writeSync(fd, `${secret.mark} ${stringify(record)}\n`);
  } catch (error) {
    writeSync(fd, `${secret.mark} ${stringify({ kind: 'unwritable', message: text(error) })}\n`);
  }
}

const MOST = 8000;
const cut = (value) => {
  const whole = text(value);
  return whole.length > MOST ? whole.slice(0, MOST) : whole;
};
function field(object, name) {
  try {
    return object[name];
  } catch {
    return undefined;
  }
}
// What is thrown, by its fields: nothing of it is called.
function describe(error, depth = 0) {
  if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
    let message;
    try {
      message = cut(error);
    } catch {
      message = typeof error;
    }
    return { name: '', message, thrown: error === null ? 'null' : typeof error };
  }
  const own = { name: '', message: '' };
  for (const name of ['name', 'message', 'stack', 'code', 'failureType', 'operator', 'plugin', 'id']) {
    const value = field(error, name);
    if (typeof value === 'string') own[name] = cut(value);
  }
  const type = field(error, 'constructor');
  const typeName = typeof type === 'function' ? field(type, 'name') : undefined;
  if (typeof typeName === 'string') own.type = typeName;
  if (field(error, 'matcherResult') !== undefined) own.matcher = true;
  if (field(error, 'actual') !== undefined || field(error, 'expected') !== undefined) own.compares = true;
  const place = field(error, 'loc');
  if (place && typeof place === 'object') {
    if (typeof place.file === 'string') own.id = cut(place.file);
    if (typeof place.line === 'number') own.at = place.line;
  }
  const cause = field(error, 'cause');
  if (depth < 3 && cause !== undefined && cause !== null) own.cause = describe(cause, depth + 1);
  const many = field(error, 'errors');
  if (depth < 2 && Array.isArray(many)) own.errors = many.slice(0, 5).map((one) => describe(one, depth + 1));
  return own;
}

// Functions that judge, as they were before any code of the project ran.
const judges = [
  ['assert', assert],
  ['assert.strict', assert.strict],
];
try {
  judges.push(['node:test', require('node:test')]);
} catch {
  // a node without it
}
const before = judges.map(([name, object]) => [
  name,
  object,
  Object.getOwnPropertyNames(object)
    .filter((key) => typeof field(object, key) === 'function')
    .map((key) => [key, object[key]]),
]);
let told = false;
function tampered() {
  if (told) return;
  for (const [name, object, functions] of before) {
    for (const [key, value] of functions) {
      if (field(object, key) !== value) {
        told = true;
        write({ kind: 'tampered', what: `${name}.${key}` });
        return;
      }
    }
  }
}

if (secret) {
  write({ kind: 'begin', node: process.version });
  process.on('uncaughtExceptionMonitor', (error, origin) => write({ kind: 'uncaught', origin, error: describe(error) }));
  process.on('exit', (code) => {
    tampered();
    write({ kind: 'exit', code });
  });
  // Files of the checkout that are read as code, where the tree has its own.
  const { checkout, tree } = secret;
  if (checkout && checkout !== tree) {
    const seen = new Set();
    const code = /\.[cm]?[jt]sx?$/;
    const note = (path) => {
      try {
        const name = typeof path === 'string' ? path.replace(/^file:\/\//, '') : '';
        if (!name.startsWith(`${checkout}/`) || name.startsWith(`${tree}/`) || !code.test(name)) return;
        if (name.includes('/node_modules/') || seen.has(name)) return;
        seen.add(name);
        write({ kind: 'foreign', file: name });
      } catch {
        // only looked at
      }
    };
    const read = fs.readFileSync;
    fs.readFileSync = function readFileSync(path, ...rest) {
      note(path);
      return read.call(this, path, ...rest);
    };
    const readPromise = fs.promises.readFile;
    fs.promises.readFile = function readFile(path, ...rest) {
      note(path);
      return readPromise.call(this, path, ...rest);
    };
    const loader = require('node:module');
    if (typeof loader.registerHooks === 'function') {
      loader.registerHooks({
        resolve(specifier, context, next) {
          const found = next(specifier, context);
          note(found.url);
          return found;
        },
      });
    }
  }
}

let taken = false;
module.exports = {
  // Once, for the reporter that redgreen starts.
  take() {
    if (taken || !secret) return null;
    taken = true;
    return { write, describe, cut, tampered, tree: secret.tree };
  },
};
