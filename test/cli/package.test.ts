import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

it('the package has the program, its threads, and the licence of what was built into it', () => {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
  const [packed] = JSON.parse(listed.toString()) as [{ files: { path: string }[] }];
  const paths = packed.files.map(({ path }) => path);
  const threads = ['archive/pack-worker', 'operations/scan/scan-thread', 'operations/verify/reading-thread'];
  const wanted = ['bin/lastgood', 'dist/cli/main.js', ...threads.map((name) => `dist/${name}.js`), 'dist/LICENSE.zod'];
  expect(wanted.filter((path) => !paths.includes(path))).toEqual([]);
  expect(paths.filter((path) => /^(?:src|test|node_modules)\//.test(path))).toEqual([]);
  expect(readFileSync(join(ROOT, 'dist/LICENSE.zod'), 'utf8')).toContain('Permission is hereby granted');
});
