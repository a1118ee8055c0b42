/**
 * Runs the named test levels and ends with one plain line: `12 passed, 0 failed`.
 *
 *   node scripts/test.mjs unit property docs ...
 *
 * The counts are vitest's own, read from its JSON report. What could not even be loaded counts as failed, and a run
 * without tests is a failure: nothing was shown to work.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

const levels = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'lastgood-test-report-'));
try {
  const reportPath = join(folder, 'report.json');
  const exitCode = await runVitest(levels, reportPath);
  const { passed, failed, skipped } = countTests(reportPath, exitCode);
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  process.exitCode = failed > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

/** Ctrl-C and `timeout` reach vitest too, so that its tests stop the servers they started. */
function runVitest(projects, reportPath) {
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      ...projects.flatMap((name) => ['--project', name]),
    ],
    { cwd: ROOT, stdio: 'inherit' },
  );
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

function countTests(reportPath, exitCode) {
  const files = readReport(reportPath)?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length;
  const brokenFiles = files.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = tests.length - passed - skipped + brokenFiles.length;
  return { passed, skipped, failed: failed === 0 && (exitCode !== 0 || passed === 0) ? 1 : failed };
}

/** Undefined when vitest ended before it could write one. */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // counted as a failure by its absence
  }
}
