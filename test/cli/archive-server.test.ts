import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveUntilCurrent } from '../support/archiver.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { parseError, runLastgood, startLastgood } from './run-lastgood.ts';

describe('archive-server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    const repository = join(server.directory, 'repository');
    await archiveUntilCurrent(server, repository);
    const settings = ['[repository]', `url = "${repository}"`, '[primary]', 'name = "shop"', 'host = "127.0.0.1"'];
    await writeFile(join(server.directory, 'lastgood.toml'), [...settings, 'user = "nobody"', ''].join('\n'));
    await writeFile(join(server.directory, 'password'), 'open sesame\n');
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('serves until it is told to stop, which is no failure, and tells all of it to a program', async () => {
    const running = startLastgood(['archive-server', '--latest', '--json'], { cwd: server.directory });
    await running.said('serving');
    running.signal('SIGTERM');

    const { exitCode, stdout } = await running.outcome;

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ host: '127.0.0.1', user: 'lastgood', tls: false, skipped: [], warnings: [] },
      password: expect.stringMatching(/^[\w-]{32}$/) as string,
      from: { file: 'binlog.000001', position: 4, gtid: '' },
      to: { file: 'binlog.000001', gtid: '0-101-1' },
      statements: [{ sql: expect.stringMatching(/^CHANGE MASTER TO .*MASTER_USE_GTID = slave_pos;$/) as string }, {}],
    });
  });

  it('never writes a password where it may be kept', async () => {
    const running = startLastgood(
      ['archive-server', '--latest', '--listen', '127.0.0.1:0', '--password-file', 'password'],
      { cwd: server.directory },
    );
    await running.said('serving');
    running.signal('SIGINT');

    const { exitCode, stdout, stderr } = await running.outcome;

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^serving {3}127\.0\.0\.1:\d+$/m);
    expect(`${stdout}${stderr}`).not.toContain('open sesame');
    expect(stdout).not.toMatch(/MASTER_PASSWORD = '[\w-]{32}'/);
  });

  it('does not serve with a password that nobody is shown', async () => {
    const { exitCode, stdout, stderr } = await runLastgood(['archive-server', '--latest'], { cwd: server.directory });

    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('without a terminal nobody would learn the password: --password-file is needed');
  });

  it('asks for a target before it asks for a password', async () => {
    const { exitCode, stderr } = await runLastgood(['archive-server'], { cwd: server.directory });

    expect(exitCode).toBe(2);
    expect(stderr).toContain('--latest');
    expect(stderr).not.toContain('--password-file');
  });

  it.each([
    [['--listen', 'nonsense'], /it must be HOST:PORT/],
    [['--listen', '0.0.0.0:0'], /the log would travel in clear/],
    [['--tls-cert', 'cert.pem'], /--tls-cert and --tls-key belong together/],
    [['--tls-ca', 'ca.pem'], /--tls-ca needs --tls-cert/],
  ])('explains %j', async (flags, words) => {
    const outcome = await runLastgood(['archive-server', '--latest', '--json', ...flags], { cwd: server.directory });

    expect(outcome.exitCode).toBe(2);
    expect(parseError(outcome).message).toMatch(words);
  });
});
