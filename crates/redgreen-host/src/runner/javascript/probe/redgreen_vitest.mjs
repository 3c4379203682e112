// vitest: a reporter in its main process, where no test runs. Tasks to records, nothing judged.
import { createRequire } from 'node:module';

// Not imported: vitest would load a copy of its own, without the secret.
const out = createRequire(import.meta.url)('./redgreen_probe.cjs').take();

export default class Reporter {
  onInit(vitest) {
    this.vitest = vitest;
    out?.write({ kind: 'runner', version: String(vitest.version ?? '') });
  }

  onFinished(files, errors) {
    this.end(files, errors);
  }

  onTestRunEnd(modules, errors) {
    this.end(null, errors);
  }

  end(files, errors) {
    if (this.ended || !out) return;
    this.ended = true;
    const all = this.vitest?.state?.getFiles?.() ?? files ?? [];
    for (const file of all) this.file(file);
    for (const error of errors ?? []) {
      out.write({ kind: 'unhandled', error: out.describe(error), file: out.cut(error?.VITEST_TEST_PATH ?? '') });
    }
    out.write({ kind: 'reported' });
  }

  file(file) {
    const errors = file.result?.errors ?? [];
    const project = file.projectName ?? '';
    out.write({
      kind: 'file',
      file: file.filepath,
      project,
      tests: count(file),
      errors: errors.map((error) => out.describe(error)),
      mode: file.mode,
    });
    for (const task of file.tasks ?? []) this.task(task, file, project, []);
  }

  task(task, file, project, path) {
    const result = task.result ?? {};
    const record = {
      kind: 'case',
      file: file.filepath,
      project,
      path,
      name: out.cut(task.name),
      suite: task.type === 'suite',
      mode: task.mode,
      state: result.state ?? '',
      note: typeof result.note === 'string' ? result.note : undefined,
      fails: task.fails === true,
      retries: result.retryCount ?? 0,
      line: task.location?.line,
      ms: result.duration,
      errors: (result.errors ?? []).map((error) => out.describe(error)),
    };
    if (task.type !== 'suite' || record.errors.length > 0) out.write(record);
    for (const child of task.tasks ?? []) this.task(child, file, project, [...path, out.cut(task.name)]);
  }
}

function count(suite) {
  let all = 0;
  for (const task of suite.tasks ?? []) all += task.type === 'suite' ? count(task) : 1;
  return all;
}
