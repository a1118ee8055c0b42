import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArchiveResult } from '../../src/operations/archive.ts';
import type { ListedLineage } from '../../src/operations/lists.ts';
import { grantStatement, PRIVILEGES } from '../../src/server/grants.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { runLastgood, type Outcome } from './run-lastgood.ts';

describe('archive and lineages, when the log was reset', () => {
  let server: TestServer;

  const lastgood = async (...args: string[]): Promise<Outcome> =>
    runLastgood(args, { cwd: server.directory, env: { LASTGOOD_TEST_PASSWORD: 'open sesame' } });
  const run = async (...statements: string[]): Promise<void> => {
    await using connection = await server.connect();
    for (const statement of statements) await connection.query(statement);
  };

  beforeAll(async () => {
    server = await startPrimary();
    await writeFile(
      join(server.directory, 'lastgood.toml'),
      `[repository]\nurl = "archive"\n[primary]\nname = "shop"\nhost = "127.0.0.1"\nport = ${server.port}\nuser = "lastgood"\npassword_env = "LASTGOOD_TEST_PASSWORD"\n`,
    );
    await run(
      "CREATE USER 'lastgood'@'%' IDENTIFIED BY 'open sesame'",
      grantStatement('lastgood@%', PRIVILEGES.archiver.mariadb),
      'CREATE DATABASE a',
    );
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('ends with exit code 3, names what was lost, and shows where each history comes from', async () => {
    const first = await lastgood('archive', '--until-current', '--json');
    expect(first.exitCode).toBe(0);
    await run('RESET MASTER', 'CREATE DATABASE b');
    const { exitCode, stdout } = await lastgood('archive', '--until-current');
    expect(exitCode).toBe(3);
    const { lineage } = JSON.parse(first.stdout) as ArchiveResult;
    expect(stdout).toContain(`warning: the source's binary log is not the history of lineage '${lineage}' any more: `);
    const { lineages } = JSON.parse((await lastgood('lineages', '--json')).stdout) as { lineages: ListedLineage[] };
    expect(lineages.map(({ parent, handOver, groups }) => ({ parent, handOver, groups }))).toEqual([
      { parent: null, handOver: null, groups: 3 },
      { parent: lineage, handOver: null, groups: 1 },
    ]);
    expect((await lastgood('lineages')).stdout).toContain(`nothing: a break after ${lineage}`);
    expect((await lastgood('archive', '--until-current')).exitCode).toBe(0);
  });
});
