import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ownUserId, ownUserName } from '../../../src/platform/own-user.ts';

const MODULE = join(import.meta.dirname, '../../../src/platform/own-user.ts');

it('is the user of this process', () => {
  expect([ownUserId(), ownUserName()]).toEqual([userInfo().uid, userInfo().username]);
});

it.runIf(process.geteuid?.() === 0)('has a number also where nobody gave it a name, as in a container', async () => {
  const script = `process.setgid(54321); process.setuid(54321);
    const { ownUserId, ownUserName } = await import(${JSON.stringify(MODULE)});
    console.log(JSON.stringify([ownUserId(), ownUserName()]));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual([54321, null]);
});
