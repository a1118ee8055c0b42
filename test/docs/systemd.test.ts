import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { ROOT } from './markdown.ts';

const FOLDER = join(ROOT, 'packaging/systemd');
const units = readdirSync(FOLDER);
const noSystemd = spawnSync('systemd-analyze', ['--version']).status !== 0;

describe.skipIf(noSystemd)('systemd-analyze verify (skipped without systemd)', () => {
  it.each(units)('accepts %s', (unit) => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(FOLDER, unit)], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

it('every service runs a command that exists', { timeout: 120_000 }, async () => {
  const commands = (await createProgram(new AbortController().signal)).commands.map((command) => command.name());
  const services = units.filter((unit) => unit.endsWith('.service'));
  const started = services.map(
    (unit) => /^ExecStart=\S+ lastgood (\S+)/m.exec(readFileSync(join(FOLDER, unit), 'utf8'))?.[1],
  );
  expect(started.filter((command) => command === undefined || !commands.includes(command))).toEqual([]);
});

it('every timer has its service', () => {
  const timers = units.filter((unit) => unit.endsWith('.timer'));
  expect(units).toEqual(expect.arrayContaining(timers.map((timer) => timer.replace('.timer', '.service'))));
});
