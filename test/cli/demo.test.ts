import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runLastgood } from './run-lastgood.ts';

it('the demo tells the story that README.md shows, and leaves nothing behind', async () => {
  const { exitCode, stdout, stderr } = await runLastgood(['demo']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(masked(stdout)).toEqual(masked(await transcript()));
  const folder = / run in (\S+) /.exec(stdout)?.[1] ?? '';
  expect(folder).toMatch(/lastgood-demo-/);
  expect(existsSync(folder)).toBe(false);
});

async function transcript(): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
  return /npm run demo\n```\n+```\n(.*?)```/s.exec(readme)?.[1] ?? 'README.md shows no transcript';
}

/** What differs from run to run: folders, versions, ids, numbers. */
function masked(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/ run in .*/, ' run in FOLDER')
        .replaceAll(/inc-[0-9a-f]+/g, 'ID')
        .replaceAll(/\d+([.-]\d+)*/g, 'N'),
    );
}
