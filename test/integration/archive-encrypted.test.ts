import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  segmentsOf,
  startArchiver,
} from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let folder: TempDirectory;
let server: TestServer;

beforeEach(async () => {
  folder = await makeTempDirectory('lastgood-test-');
  const keys = join(folder.path, 'keys');
  await writeFile(keys, `1;${randomBytes(32).toString('hex')}\n`);
  server = await startPrimary({
    args: ['--encrypt-binlog=ON', '--plugin-load-add=file_key_management', `--file-key-management-filename=${keys}`],
  });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function run(statement: string): Promise<void> {
  await using connection = await server.connect();
  await connection.query(statement);
}

/** The archived files against what the server's own tool is sent; the files on disk are encrypted. */
async function differences(files: readonly string[]): Promise<string[]> {
  await archiveToTheLastByte(server, repositoryBeside(server));
  const raw = join(folder.path, 'raw');
  await mkdir(raw, { recursive: true });
  const options = ['--no-defaults', `--socket=${server.socket}`, '--user=root', `--result-file=${raw}/`];
  await runTool({
    program: findProgram(['mariadb-binlog']),
    args: [...options, '--read-from-remote-server', '--raw', ...files],
  });
  const found: string[] = [];
  for (const { path, file } of await segmentsOf(repositoryBeside(server))) {
    const difference = files.includes(file) ? await cmpMasked(path, join(raw, file)) : null;
    if (difference !== null) found.push(difference);
  }
  return found;
}

/** A log, and how often the archiver has tried to connect again. */
function countReconnects(): { log: Logger; count: () => number } {
  let reconnects = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.includes('"msg":"reconnecting"')) reconnects += 1;
      done();
    },
  });
  return { log: pino(stream), count: () => reconnects };
}

describe('an archive of an encrypted MariaDB log', () => {
  it('goes on in the middle of a file, where the server sends its START_ENCRYPTION again', async () => {
    for (const name of ['a', 'b', 'c']) {
      await run(`CREATE DATABASE ${name}`);
      await archiveUntilCurrent(server, repositoryBeside(server));
    }
    expect(await differences(['binlog.000001'])).toEqual([]);
    expect(await segmentsOf(repositoryBeside(server))).toHaveLength(1);
  });

  it('goes on behind a torn file, also after an outage that took many attempts', async () => {
    const { log, count } = countReconnects();
    await using archiver = startArchiver(server, repositoryBeside(server), { log });
    await run('CREATE DATABASE a');
    const archived = async (): Promise<boolean> => {
      const [segment] = await segmentsOf(repositoryBeside(server)).catch(() => []); // before the archiver's first steps
      return (segment?.bytes ?? 0) > 400;
    };
    await waitFor(archived, { timeoutMs: 20_000, what: 'the first group' });
    await server.kill();
    await appendFile(join(server.datadir, 'binlog.000001'), randomBytes(30));
    await waitFor(() => count() > 3, { timeoutMs: 30_000, what: 'four attempts' });
    await server.restart();
    await run('CREATE DATABASE b');
    const goesOn = async (): Promise<boolean> => (await segmentsOf(repositoryBeside(server))).length === 2;
    await waitFor(goesOn, { timeoutMs: 30_000, what: 'the next file' });
    await archiver.stop();
    const [crashed] = await segmentsOf(repositoryBeside(server));
    expect(crashed?.manifest).toMatchObject({ ended: 'source-crashed', tornBytes: 30, gtidEnd: '0-101-1' });
    expect(await differences(['binlog.000002'])).toEqual([]);
  });
});
