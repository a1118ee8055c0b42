import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { runLastgood, type Outcome } from './run-lastgood.ts';

/** What one person sees who plans around a TRUNCATE and a DROP TABLE, from a backup before both. */
describe('plan', () => {
  let server: TestServer;
  let truncate = '';
  let drop = '';

  const plan = async (...args: string[]): Promise<Outcome> =>
    await runLastgood(['plan', ...args], { cwd: server.directory });

  beforeAll(async () => {
    server = await startPrimary();
    const repository = repositoryBeside(server);
    const config = ['[repository]', `url = "${repository}"`, '[primary]', 'name = "shop"', 'user = "lastgood"', ''];
    await writeFile(join(server.directory, 'lastgood.toml'), config.join('\n'));
    await using connection = await server.connect();
    await archiveUntilCurrent(server, repository);
    await recordBackup(repository, 'empty', await pointOf(server));
    for (const sql of [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.t (id INT PRIMARY KEY)',
      'INSERT INTO shop.t VALUES (1), (2)',
      'TRUNCATE shop.t',
      'INSERT INTO shop.t VALUES (1)',
      'DROP TABLE shop.t',
      'CREATE TABLE shop.t (id INT PRIMARY KEY)',
    ])
      await connection.query(sql);
    await archiveUntilCurrent(server, repository);
    using archive = await openArchive(repository, { log: silentLog });
    const find = (kind: string): string =>
      archive.catalog.incidents().find((incident) => incident.kind === kind)?.id ?? '';
    [truncate, drop] = [find('truncate-table'), find('drop-table')];
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('exits with 3 when it has warnings, and with 0 when it has none', async () => {
    const [warned, quiet] = [await plan('--before', drop), await plan('--before', truncate)];

    expect(warned.stdout).toContain(`warning: incident ${truncate} (truncate-table shop.t`);
    expect(quiet.stdout).not.toContain('warning:');
    expect([warned.exitCode, quiet.exitCode]).toEqual([3, 0]);
  });

  it('exits with 3 when the folder that is meant has no room', async () => {
    const { stdout, exitCode } = await plan('--before', truncate, '--datadir', '/proc/restored'); // never has any
    expect(stdout).toMatch(/^disk +at least .*; \/proc\/restored: too little, 0 B free$/m);
    expect(exitCode).toBe(3);
    expect((await plan('--before', truncate, '--datadir', server.directory)).exitCode).toBe(0);
  });

  it('says once what may clash, what allows it, and what works instead', async () => {
    const { stdout, exitCode } = await plan('--before', drop, '--skip', truncate);

    expect(exitCode).toBe(3);
    expect(stdout.match(/gets rows: one with the same key may still be there/g)).toHaveLength(1);
    expect(stdout).toMatch(/^ +risky: /m);
    expect(stdout).toMatch(/^reachable +yes, with --accept-conflicts$/m);
    expect(stdout).toContain(`\`lastgood plan --before ${truncate}\` ends just before the incident`);
  });

  it('names commands that run as they stand, with the configuration of this run', async () => {
    const config = join(server.directory, 'lastgood.toml');
    const shown = async (...args: string[]): Promise<{ command: string; outcome: Outcome }> => {
      const { stdout, stderr } = await runLastgood(args);
      const command = /^hint: .*?`lastgood (.*?)`/m.exec(stdout + stderr)?.[1] ?? '';
      return { command, outcome: await runLastgood(command.split(' ')) };
    };

    const instead = await shown('plan', '--config', config, '--before', drop, '--skip', truncate);
    expect(instead.command).toBe(`--config ${config} plan --before ${truncate}`);
    expect(instead.outcome.stdout).toMatch(/^reachable +yes$/m);

    const listed = await shown(`--config=${config}`, 'plan', '--before', 'inc-000000000000');
    expect(listed.command).toBe(`--config ${config} incidents --all`);
    expect(listed.outcome.stdout).toContain(drop);
  });

  it('is not reachable where a skip is impossible, and is a plan all the same', async () => {
    const { stdout, exitCode } = await plan('--latest', '--skip', drop, '--json');
    const { reachable, skips } = JSON.parse(stdout) as Plan;

    expect(exitCode).toBe(3);
    expect([reachable, skips.map(({ verdict }) => verdict)]).toEqual([false, ['impossible']]);
    const path = join(server.directory, 'plan.json');
    await writeFile(path, stdout);
    const into = ['--plan', path, '--datadir', join(server.directory, 'new'), '--accept-conflicts'];
    const refused = await runLastgood(['restore', ...into], { cwd: server.directory });
    expect(refused.exitCode).toBe(40);
    expect(refused.stderr).toContain(`the log cannot be replayed without ${drop}: `);
    expect(refused.stderr).toContain(`\`--before ${drop}\``);
  });
});
