import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import type { Verification } from '../../src/operations/verify.ts';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';
import { flipBit, verifyScene, type VerifyScene } from '../support/verify-scene.ts';
import { parseError, runLastgood, type Outcome } from './run-lastgood.ts';

const SECOND = 'lineages/shop-1a2b/binlog.000002';

describe('lastgood verify', () => {
  let scene: VerifyScene;
  let copy: TempDirectory;

  const verify = async (...args: string[]): Promise<Outcome> => runLastgood(['verify', ...args], { cwd: copy.path });

  beforeAll(async () => {
    scene = await verifyScene({ flavor: 'mariadb', checksum: 'crc32' });
  });

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    copy = await scene.copy();
    const config = '[repository]\nurl = "."\n[primary]\nname = "shop"\nhost = "127.0.0.1"\nuser = "lastgood"\n';
    await writeFile(join(copy.path, 'lastgood.toml'), config);
  });

  afterEach(async () => {
    await copy[Symbol.asyncDispose]();
  });

  it('exits 0 when everything is as it was written, in this thread and in others', async () => {
    for (const jobs of ['1', '3']) {
      const { exitCode, stdout, stderr } = await verify('--jobs', jobs);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^read 1 lineage, 5 segments \(\d.*\), 20 transactions, 1 backup in /);
      expect(stdout).toMatch(/\n\neverything is as it was written\n$/);
    }
  });

  it('exits 21 when something is damaged, and names file, offset and the next step', async () => {
    await flipBit(join(copy.path, SECOND), 300, 2);
    const { exitCode, stdout } = await verify();
    expect(exitCode).toBe(21);
    expect(stdout).toContain(`error: segment (${SECOND}): at offset `);
    expect(stdout).toContain('the checksum of the event is wrong\n  fix: Keep the file');
    const json = await verify('--json', '--no-backups');
    const { findings, summary } = JSON.parse(json.stdout) as Verification;
    expect(json.exitCode).toBe(21);
    expect(findings[0]).toMatchObject({ severity: 'error', check: 'segment', object: SECOND });
    expect(findings[0]?.offset).toBeLessThanOrEqual(300);
    expect(summary).toMatchObject({ errors: findings.length, warnings: 0, backups: 0 });
    expect((await verify('--since', 'binlog.000003')).exitCode).toBe(0);
  });

  it('exits 3 when only a person should look', async () => {
    const database = new Sqlite(join(copy.path, 'catalog.sqlite'));
    database.exec('DELETE FROM incident');
    database.close();
    const { exitCode, stdout } = await verify();
    expect(exitCode).toBe(3);
    expect(stdout).toContain('warning: catalog (catalog.sqlite)');
    expect(stdout).toMatch(/\n0 errors, 1 warning\n$/);
  });

  it('exits 3 when nothing is archived yet: a job that verifies every night must not stay green', async () => {
    await using empty = await makeTempDirectory('lastgood-cli-');
    await copyFile(join(copy.path, 'lastgood.toml'), join(empty.path, 'lastgood.toml'));
    await openRepository(empty.path, { create: true });
    const { exitCode, stdout } = await runLastgood(['verify'], { cwd: empty.path });
    expect(exitCode).toBe(3);
    expect(stdout).toContain(
      'warning: nothing archived (lineages): nothing is archived yet: there is nothing to verify',
    );
    expect(stdout).not.toContain('as it was written');
  });

  it('exits 10 when it cannot read: that is not damage', async () => {
    await rm(join(copy.path, SECOND));
    await mkdir(join(copy.path, SECOND)); // nobody, not even root, reads a folder as a file
    const { exitCode, stdout } = await verify('--no-backups');
    expect(exitCode).toBe(10);
    expect(stdout).toContain(`error: readable (${SECOND}): cannot read segment '`);
    expect(stdout).toContain("binlog.000002': EISDIR");
    for (const name of ['lineages', 'backups']) {
      await rm(join(copy.path, name), { recursive: true });
      await writeFile(join(copy.path, name), ''); // nobody lists a file
    }
    const outcome = await verify('--json');
    expect(outcome.exitCode).toBe(10);
    const { findings } = JSON.parse(outcome.stdout) as Verification;
    expect(findings.map(({ check, object }) => `${check}: ${object ?? ''}`)).toEqual([
      'readable: lineages',
      'readable: backups',
    ]);
    await rm(join(copy.path, 'repository.json'));
    await rm(join(copy.path, 'lineages'));
    const missing = await verify('--json');
    expect(missing.exitCode).toBe(10);
    expect(parseError(missing).code).toBe('REPOSITORY_MISSING');
  });

  it('exits 21 when the repository lost its own record', async () => {
    await rm(join(copy.path, 'repository.json'));
    const { exitCode, stdout } = await verify();
    expect(exitCode).toBe(21);
    expect(stdout).toContain('error: record (repository.json)');
  });

  it('refuses what it cannot understand', async () => {
    expect((await verify('--jobs', '0')).exitCode).toBe(2);
    const outcome = await verify('--since', 'yesterday', '--json');
    expect(outcome.exitCode).toBe(2);
    expect(parseError(outcome).code).toBe('TIME_INVALID');
  });
});
