import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/server/connection.ts';
import { installDatadir, startLocalServer } from '../../src/server/local-server.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { startPrimary } from '../support/servers.ts';

describe('a local server', () => {
  it('is installed, started, stopped cleanly and gone', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const datadir = join(folder.path, 'data');
    await installDatadir({ datadir });
    const paths = { datadir, socket: join(folder.path, 's.sock'), errorLog: join(folder.path, 'error.log') };
    await using server = await startLocalServer({ ...paths, args: ['--server-id=7'] });
    await using connection = await server.connect();
    expect(await connection.query('SELECT @@server_id AS id, @@port AS port')).toEqual([
      { id: '7', port: String(server.port) },
    ]);
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
    await expect(connection.query('SELECT 1')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('that ends before it answers is reported with the end of its error log', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const datadir = join(folder.path, 'data');
    await mkdir(datadir);
    const paths = { datadir, socket: join(folder.path, 's.sock'), errorLog: join(folder.path, 'error.log') };
    await expect(startLocalServer({ ...paths, args: ['--no-such-option'] })).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringMatching(/ended \(status \d+\) before it answered: .*no-such-option/s) as string,
    });
  });

  it('moves its socket to a shorter path when the system would refuse the long one', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const deep = join(folder.path, 'd'.repeat(120));
    const datadir = join(deep, 'data');
    await mkdir(deep);
    await installDatadir({ datadir });
    const paths = { datadir, socket: join(deep, 'server.sock'), errorLog: join(deep, 'error.log') };
    await using server = await startLocalServer({ ...paths, args: [] });
    await using connection = await server.connect();
    expect(connection.flavor).toBe('mariadb');
    expect(server.socket.length).toBeLessThan(107);
    await server.kill();
    expect(existsSync(server.socket)).toBe(false);
  });

  it('is not started where one listens on the socket, and that one is left alone', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const datadir = join(folder.path, 'data');
    await installDatadir({ datadir });
    const paths = { datadir, socket: join(folder.path, 's.sock'), errorLog: join(folder.path, 'error.log') };
    await using server = await startLocalServer({ ...paths, args: [] });
    await expect(startLocalServer({ ...paths, args: [] })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `a server listens on '${paths.socket}'`,
    });
    await using connection = await server.connect();
    expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('may be given as long to end as a large one needs', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const datadir = join(folder.path, 'data');
    await installDatadir({ datadir });
    const paths = { datadir, socket: join(folder.path, 's.sock'), errorLog: join(folder.path, 'error.log') };
    const server = await startLocalServer({ ...paths, args: [], stopTimeoutMs: 1 });

    await expect(server.stop()).rejects.toThrow(`waited 0.001 s in vain for the server on '${datadir}' to end`);
    const gone = async (): Promise<boolean> =>
      await server.stop().then(
        () => true,
        () => false,
      );
    await waitFor(gone, { timeoutMs: 30_000, what: 'the server to end' });
  });

  it('keeps what was committed through a crash and a restart', async () => {
    await using server = await startPrimary();
    {
      await using connection = await server.connect();
      await connection.query('CREATE DATABASE shop');
      await server.kill();
    }
    await server.restart();
    await using again = await server.connect();
    expect(await again.query("SHOW DATABASES LIKE 'shop'")).toHaveLength(1);
  });
});

describe('connect', () => {
  it('tells a wrong password from a missing server, and names no password', async () => {
    await using server = await startPrimary();
    const options = server.tcpOptions({ name: 'primary', user: 'nobody', password: 'secret' });
    await expect(connect(options)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`cannot connect to the primary (nobody@127.0.0.1:${server.port})`) as string,
    });
    await expect(connect({ ...options, port: 1 })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    await expect(connect({ ...options, socket: '/no/such.sock' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
    await expect(connect({ ...options, host: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
  });

  it('tells a missing privilege from a wrong statement', async () => {
    await using server = await startPrimary();
    await using root = await server.connect();
    await root.query("CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'secret'");
    await using connection = await connect(server.tcpOptions({ name: 'primary', user: 'plain', password: 'secret' }));
    await expect(connection.query('SHOW MASTER STATUS')).rejects.toMatchObject({ code: 'PRIVILEGE_MISSING' });
    await expect(connection.query('SELECT 1 FROM mysql.user')).rejects.toMatchObject({ code: 'PRIVILEGE_MISSING' });
    await expect(connection.query('NONSENSE')).rejects.toMatchObject({
      code: 'SERVER_QUERY_FAILED',
      details: { errno: 1064 },
    });
  });

  it('without TLS on the server connects when it is preferred and refuses when it is required', async () => {
    await using server = await startPrimary();
    await using root = await server.connect();
    await root.query("CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'secret'");
    const options = server.tcpOptions({ name: 'primary', user: 'plain', password: 'secret' });
    await using connection = await connect({ ...options, tls: 'preferred' });
    expect(await connection.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(connect({ ...options, tls: 'required' })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });
});
