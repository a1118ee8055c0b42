import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { parseError, runLastgood, type Outcome } from './run-lastgood.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');

/** What one person sees of one DELETE, through the program. */
describe('incidents show', () => {
  let server: TestServer;
  let id: string;

  const lastgood = async (...args: string[]): Promise<Outcome> => await runLastgood(args, { cwd: server.directory });

  beforeAll(async () => {
    server = await startPrimary();
    await writeFile(join(server.directory, 'password'), 'open sesame\n');
    await writeFile(
      join(server.directory, 'lastgood.toml'),
      [
        ...[
          '[repository]',
          `url = "${join(server.directory, 'repository')}"`,
          '[primary]',
          'name = "shop"',
          'host = "127.0.0.1"',
          'tls = "off"',
          `port = ${server.port}`,
        ],
        ...['user = "lastgood"', 'password_file = "password"', ''],
      ].join('\n'),
    );
    await using connection = await server.connect();
    await connection.query("CREATE USER 'lastgood'@'%' IDENTIFIED BY 'open sesame'");
    await connection.query("GRANT ALL ON *.* TO 'lastgood'@'%'");
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await connection.query(
      "INSERT INTO shop.t SELECT seq, IF(seq = 2, NULL, CONCAT('a,', seq)) FROM shop.seq_1_to_300",
    );
    await connection.query("DELETE FROM shop.t WHERE v <> PASSWORD('secret') OR v IS NULL");
    const archived = await lastgood('archive', '--until-current', '--quiet');
    expect(archived).toMatchObject({ exitCode: 0, stderr: '' });
    const { stdout } = await lastgood('incidents', '--all', '--json', '--quiet');
    id = (JSON.parse(stdout) as { incidents: { id: string }[] }).incidents[0]?.id ?? '';
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('tells what happened, what was around it, and what to do', async () => {
    const { stdout, exitCode } = await lastgood('incidents', 'show', id, '--rows', '2');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/mass-delete {2}shop\.t/);
    expect(stdout).not.toContain('secret');
    expect(stdout).toMatch(/\n {2}delete shop\.t {2}id=1 v="a,1"\n {2}delete shop\.t {2}id=2 v=NULL\n/);
    expect(stdout).toContain('--rows N shows them');
    expect(stdout).toMatch(/shop\.t: inserted {2}INSERT INTO shop\.t SELECT/);
    expect(stdout).toContain(`  lastgood plan --before ${id}\n`);
    expect(stdout).toContain(`  lastgood incidents show ${id} --rows-as sql --out ${id}.sql\n`);
  });

  it('writes the rows as csv and json to stdout, as sql to a file of its owner', async () => {
    const csv = await lastgood('incidents', 'show', id, '--rows-as', 'csv', '--rows', '3');
    expect(csv.stdout).toBe('id,v\r\n1,"a,1"\r\n2,\r\n3,"a,3"\r\n');
    const json = await lastgood('incidents', 'show', id, '--rows-as', 'json', '--quiet');
    expect(JSON.parse(json.stdout)).toHaveLength(300);
    const sql = await lastgood('incidents', 'show', id, '--rows-as', 'sql', '--out', 'rows.sql');
    expect(sql.stdout).toMatch(/^rows\.sql: \d+ bytes\n$/);
    const path = join(server.directory, 'rows.sql');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).toContain("(2, NULL),\n(1, 'a,1');");
    const again = await lastgood('incidents', 'show', id, '--rows-as', 'sql', '--out', 'rows.sql');
    expect(again.exitCode).toBe(40);
  });

  it('says in one line that a full disk takes no more, whoever the rows are for', async () => {
    const full = await open('/dev/full', 'w');
    const args = [PROGRAM, 'incidents', 'show', id, '--rows-as', 'sql', '--quiet'];
    const child = spawn(process.execPath, args, { cwd: server.directory, stdio: ['ignore', full.fd, 'pipe'] });
    const closed = once(child, 'close');
    const stderr = child.stderr === null ? '' : await text(child.stderr);
    await closed;
    await full.close();
    expect(stderr).toMatch(/^error: cannot write to standard output: .*ENOSPC.* \[STORAGE_FAILED\]\nhint: .*\n$/);
    expect(child.exitCode).toBe(10);
  });

  it('shows every time on the clock of the wall too', async () => {
    const there = { cwd: server.directory, env: { TZ: 'Asia/Kolkata' } };
    const { stdout } = await runLastgood(['incidents', 'show', id], there);
    const times = stdout.match(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ.{0,30}/g) ?? [];
    expect(times.length).toBeGreaterThan(5);
    for (const time of times) expect(time).toMatch(/^\S+Z \((?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d local\)/);
  });

  it('writes nothing into the repository', async () => {
    const out = join(server.directory, 'repository/rows.csv');
    const refused = await lastgood('incidents', 'show', id, '--rows-as', 'csv', '--out', out, '--json');
    expect(parseError(refused)).toMatchObject({ code: 'USAGE', exitCode: 2 });
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  it('says of a server without TLS that this is what it lacks', async () => {
    const config = await readFile(join(server.directory, 'lastgood.toml'), 'utf8');
    await writeFile(join(server.directory, 'tls.toml'), config.replace('tls = "off"', 'tls = "required"'));
    const outcome = await lastgood('archive', '--until-current', '--config', 'tls.toml', '--json');
    expect(parseError(outcome)).toMatchObject({ code: 'SERVER_UNREACHABLE', exitCode: 12 });
    expect(parseError(outcome).hint).toMatch(/^The server offers no TLS/);
  });

  it('refuses what it cannot write', async () => {
    expect((await lastgood('incidents', 'show', id, '--out', 'x.sql')).exitCode).toBe(2);
    expect((await lastgood('incidents', 'show', id, '--rows', 'all')).exitCode).toBe(2);
    const other = await lastgood('incidents', 'show', id, '--rows-as', 'sql', '--table', 'u', '--json');
    expect(parseError(other)).toMatchObject({ code: 'ROWS_UNAVAILABLE', exitCode: 20 });
    expect(parseError(other).message).toContain("no rows of tables named 'u'");
    expect(parseError(other).hint).toContain(`\`lastgood plan --before ${id}\``);
  });
});
