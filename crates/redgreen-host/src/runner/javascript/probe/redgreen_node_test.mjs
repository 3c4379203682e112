// node:test: a reporter in the process of one test file, imported before the file. Events to records, nothing judged.
import probe from './redgreen_probe.cjs';

const out = probe.take();
let used = false;

export default async function* report(source) {
  if (used || !out) return;
  used = true;
  const path = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path.push(out.cut(data.name));
      out.write({ kind: 'running', path: path.slice(0, -1), name: path.at(-1) });
    } else if (type === 'test:pass' || type === 'test:fail') {
      out.tampered();
      const details = data.details ?? {};
      const given = (value) => value !== undefined && value !== false;
      path.length = data.nesting;
      out.write({
        kind: 'case',
        path,
        name: out.cut(data.name),
        suite: details.type === 'suite',
        mode: given(data.skip) ? 'skip' : given(data.todo) ? 'todo' : 'run',
        note: typeof data.skip === 'string' ? out.cut(data.skip) : undefined,
        state: type === 'test:pass' ? 'pass' : 'fail',
        fails: given(data.expectFailure),
        line: data.line,
        ms: details.duration_ms,
        errors: details.error === undefined ? [] : [out.describe(details.error)],
      });
      path.push(out.cut(data.name));
    } else if (type === 'test:diagnostic' && typeof data.message === 'string') {
      out.write({ kind: 'diagnostic', message: out.cut(data.message) });
    }
  }
  out.write({ kind: 'reported' });
  yield '';
}
