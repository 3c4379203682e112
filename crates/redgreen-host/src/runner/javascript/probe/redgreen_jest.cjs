'use strict';
// jest: a reporter in its main process. Results to records, nothing judged.
const probe = require('./redgreen_probe.cjs');

const out = probe.take();

module.exports = class Reporter {
  onTestResult(test, result) {
    if (!out) return;
    const cases = result.testResults ?? [];
    out.write({
      kind: 'file',
      file: result.testFilePath ?? test.path,
      project: test.context?.config?.displayName?.name ?? '',
      tests: cases.length,
      errors: result.testExecError ? [withText(out.describe(result.testExecError), result.failureMessage)] : [],
      mode: result.skipped ? 'skip' : 'run',
    });
    for (const one of cases) {
      const details = one.failureDetails ?? [];
      const messages = one.failureMessages ?? [];
      out.write({
        kind: 'case',
        file: result.testFilePath ?? test.path,
        project: test.context?.config?.displayName?.name ?? '',
        path: (one.ancestorTitles ?? []).map(out.cut),
        name: out.cut(one.title),
        suite: false,
        mode: one.status === 'todo' ? 'todo' : one.status === 'pending' || one.status === 'disabled' ? 'skip' : 'run',
        state: one.status === 'passed' ? 'pass' : one.status === 'failed' ? 'fail' : one.status,
        fails: false,
        retries: Math.max(0, (one.invocations ?? 1) - 1),
        line: one.location?.line,
        ms: one.duration ?? 0,
        errors: messages.map((message, at) => withText(out.describe(details[at] ?? {}), message)),
      });
    }
  }

  onRunComplete(contexts, results) {
    if (!out) return;
    out.write({ kind: 'runner', version: '' });
    if (results.runExecError) out.write({ kind: 'unhandled', error: out.describe(results.runExecError), file: '' });
    out.write({ kind: results.wasInterrupted ? 'interrupted' : 'reported' });
  }
};

// Errors that came from another process keep their own fields only; the text has the name, the message and the stack.
function withText(error, message) {
  const text = out.cut(message ?? '');
  if (!error.stack || !error.message) error.stack = text;
  if (!error.message || !error.name) {
    const [first, ...rest] = text.split('\n');
    const found = /^(?:Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception))(?: \[[A-Z_]+\])?: ?(.*)$/.exec(first);
    const body = rest.slice(0, rest.findIndex((line) => /^\s+at /.test(line)) >>> 0).join('\n');
    error.name = error.name || (found ? found[1] : '');
    error.message = error.message || `${found ? found[2] : first}${body ? `\n${body}` : ''}`;
  }
  error.text = text;
  return error;
}
