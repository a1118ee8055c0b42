import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScanResult } from '../../src/operations/scan.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { binlogFixture, BINLOG_FIXTURES_ABSENT } from '../support/fixture-paths.ts';
import { parseError, runLastgood, type Outcome } from './run-lastgood.ts';

const LARGE = 'mariadb/10.0.11-large.000001';

function parseScan({ stdout }: Outcome): ScanResult {
  return JSON.parse(stdout) as ScanResult;
}

describe('what is no binary log', () => {
  it('exits 2 when the file is missing', async () => {
    const outcome = await runLastgood(['scan', '/not/there.000001', '--json']);
    expect(outcome.exitCode).toBe(2);
    expect(parseError(outcome)).toMatchObject({ code: 'FILE_UNREADABLE', details: { path: '/not/there.000001' } });
  });

  it('exits 3 for a foreign file and says what is wrong with it', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const path = join(folder.path, 'notes.txt');
    await writeFile(path, 'these are not the bytes you are looking for');
    const outcome = await runLastgood(['scan', path, '--json']);
    expect(outcome.exitCode).toBe(3);
    const { files, incidents } = parseScan(outcome);
    expect(incidents).toEqual([]);
    expect(files).toMatchObject([{ path, server: null, groups: 0 }]);
    expect(files[0]?.problems).toHaveLength(1);
  });

  it('exits 3 for an empty file', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const path = join(folder.path, 'binlog.000001');
    await writeFile(path, '');
    expect((await runLastgood(['scan', path])).exitCode).toBe(3);
  });
});

describe.skipIf(BINLOG_FIXTURES_ABSENT)('real binary logs (skipped where those files are absent)', () => {
  it('are listed with their incidents as text', async () => {
    const { exitCode, stdout, stderr } = await runLastgood(['scan', binlogFixture(LARGE)]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('DROP TABLE IF EXISTS `table0_int_autoinc`');
    expect(stdout).toContain('\n10 incidents\n');
    expect(stdout).toMatch(
      /\nto replay everything before it by hand: end 10\.0\.11-large\.000001 at --stop-position=\d+\n$/,
    );
  });

  it('are read from standard input', async () => {
    const input = await readFile(binlogFixture(LARGE));
    const outcome = await runLastgood(['scan', '-', '--json'], { input });
    expect(outcome.exitCode).toBe(0);
    expect(parseScan(outcome).files).toMatchObject([{ path: '-', groups: 1381, bytes: input.length }]);
  });

  it('have the local time beside UTC where it differs', async () => {
    const { stdout } = await runLastgood(['scan', binlogFixture(LARGE)], { env: { TZ: 'Asia/Tokyo' } });
    expect(stdout).toContain('2014-04-11T09:57:24Z (18:57:24 local)');
  });

  it('are one JSON document with --json, without colours or progress', async () => {
    const outcome = await runLastgood(['scan', binlogFixture(LARGE), '--json'], { env: { FORCE_COLOR: '1' } });
    expect({ exitCode: outcome.exitCode, stderr: outcome.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).not.toContain('\u001B');
    expect(parseScan(outcome).files).toMatchObject([
      { server: '10.0.11-MariaDB-debug-log', groups: 1381, end: 'stop', problems: [] },
    ]);
  });

  it('that are torn give what could be read, and exit 3', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const path = join(folder.path, 'binlog.000001');
    const whole = await readFile(binlogFixture(LARGE));
    await writeFile(path, whole.subarray(0, 3000));
    const outcome = await runLastgood(['scan', path, '--json']);
    expect(outcome.exitCode).toBe(3);
    const { files, incidents } = parseScan(outcome);
    expect(files).toMatchObject([{ end: 'torn', bytes: 3000 }]);
    expect(incidents.map(({ start }) => start)).toEqual([450, 1236, 2129]);
  });

  it('with one wrong byte are damaged, unless checksums are not asked for', async () => {
    await using folder = await makeTempDirectory('lastgood-cli-');
    const path = join(folder.path, 'binlog.000001');
    const bytes = await readFile(binlogFixture('mariadb/10.5.15-annotate.000001'));
    const at = bytes.length - 40;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(path, bytes);
    expect((await runLastgood(['scan', path])).exitCode).toBe(3);
    expect((await runLastgood(['scan', path, '--no-verify-checksums'])).exitCode).toBe(0);
  });
});
