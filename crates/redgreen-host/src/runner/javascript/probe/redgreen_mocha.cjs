'use strict';
// mocha: a reporter in its process. It is loaded before any test file, and lets the other files load where one does not.
const path = require('node:path');
const probe = require('./redgreen_probe.cjs');

const out = probe.take();

if (out) {
  const utils = Object.keys(require.cache).find((file) => /[\\/]mocha[\\/]lib[\\/]nodejs[\\/]esm-utils\.js$/.test(file));
  const loading = utils && require.cache[utils].exports;
  if (loading && typeof loading.requireOrImport === 'function') {
    loading.loadFilesAsync = async (files, preLoad, postLoad, decorate) => {
      for (const file of files) {
        preLoad(file);
        try {
          postLoad(file, await loading.requireOrImport(path.resolve(file), decorate));
        } catch (error) {
          out.write({ kind: 'file', file: path.resolve(file), project: '', tests: 0, mode: 'run', errors: [out.describe(error)] });
        }
      }
    };
  }
}

const titles = (suite) => {
  const found = [];
  for (let at = suite; at && !at.root; at = at.parent) found.unshift(out.cut(at.title));
  return found;
};

module.exports = class Reporter {
  constructor(runner) {
    if (!out) return;
    const all = new Map();
    // A retried test is a copy of the first one.
    const known = (test) => all.get(test._retriedTest ?? test) ?? record(test, {});
    const record = (test, more) => ({
      kind: 'case', file: test.file ?? test.parent?.file ?? '', path: titles(test.parent), name: out.cut(test.title),
      suite: false, mode: 'run', state: '', errors: [], ...more,
    });
    const listed = (suite) => {
      for (const test of suite.tests) all.set(test, record(test, {}));
      suite.suites.forEach(listed);
    };
    runner.once('start', () => listed(runner.suite));
    runner.on('test', (test) => {
      const { file, path, name } = known(test);
      out.write({ kind: 'running', file, path, name });
    });
    const done = (test, more) => {
      out.tampered();
      const one = known(test);
      one.done = true;
      out.write({ ...one, done: undefined, ms: test.duration, retries: test._currentRetry ?? 0, ...more });
    };
    runner.on('pass', (test) => done(test, { state: 'pass' }));
    runner.on('pending', (test) => done(test, { mode: 'skip' }));
    runner.on('fail', (test, error) => {
      if (test.type !== 'hook') return done(test, { state: 'fail', errors: [out.describe(error)] });
      const errors = [out.describe(error)];
      const each = test.ctx?.currentTest;
      // A hook of a whole suite fails all of it; one around a test fails that test and ends the suite.
      if (each && all.has(each) && !all.get(each).done && /each" hook/.test(test.title)) {
        done(each, { state: 'fail', hook: true, errors });
      }
      out.write(record(test, { path: titles(test.parent).slice(0, -1), name: titles(test.parent).at(-1) ?? '', suite: true, state: 'fail', errors }));
    });
    runner.once('end', () => {
      for (const one of all.values()) if (!one.done) out.write({ ...one, done: undefined });
      out.write({ kind: 'reported' });
    });
  }
};
