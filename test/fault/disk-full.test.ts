import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { readStatus } from '../../src/operations/status.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { watchDisk } from '../../src/recovery/disk-watch.ts';
import { replay } from '../../src/recovery/replay.ts';
import { archiveToTheLastByte, archiveUntilCurrent, primarySettings, startArchiver } from '../support/archiver.ts';
import { problemsOf } from '../support/crash-scene.ts';
import { servedLog } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

interface SmallDisk extends Disposable {
  readonly path: string;
  grow(): void;
}

/** A file system of its own with room for little: null where this user may not mount. */
function mountSmallDisk(path: string): SmallDisk | null {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'lastgood-test', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return {
    path,
    grow: () => execFileSync('mount', ['-o', 'remount,size=64m', path]),
    [Symbol.dispose]: () => execFileSync('umount', [path]),
  };
}

const canMount = await (async (): Promise<boolean> => {
  await using folder = await makeTempDirectory('lastgood-mount-');
  using disk = mountSmallDisk(join(folder.path, 'disk'));
  return disk !== null;
})();

interface LogLine {
  readonly msg: string;
  readonly error?: string;
}

function logInto(lines: LogLine[]): Logger {
  return pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line) as LogLine) });
}

const FILL = "INSERT INTO t SELECT NULL, UNHEX(SHA2(seq, 512)), REPEAT('x', 3000) FROM seq_1_to_100";

describe.skipIf(!canMount)('archiving on a full disk (needs the right to mount)', () => {
  it.each(['none', 'zstd'] as const)(
    'waits, says so, and goes on when there is room, with nothing lost: compression %s',
    { timeout: 120_000 },
    async (compression) => {
      await using server = await startPrimary();
      await using connection = await server.connect();
      for (const sql of ['CREATE DATABASE shop', 'USE shop'] as const) await connection.query(sql);
      await connection.query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, h BLOB, c VARBINARY(3000))');
      using disk = mountSmallDisk(join(server.directory, 'disk'));
      if (disk === null) throw new Error('could mount a moment ago');
      const path = join(disk.path, 'repository');
      const lines: LogLine[] = [];
      const settings = { sync: 'group', semiSync: false, compression } as const;
      await using archiver = startArchiver(server, path, { log: logInto(lines), archive: settings });
      const noRoom = (): LogLine[] => lines.filter(({ msg }) => msg.startsWith('no room in the repository'));
      await waitFor(
        async () => {
          await connection.query(FILL);
          await connection.query('FLUSH BINARY LOGS');
          return noRoom().length >= 2;
        },
        { timeoutMs: 60_000, intervalMs: 200, what: 'a full disk' },
      );
      expect(noRoom()[0]?.error).toMatch(/^cannot write (?:catalog )?'.*; [\d.]+ \w+ are free there$/);
      await expect(archiveUntilCurrent(server, `${path}-two`)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      expect(await statusOf(server, path)).toContain('warning: free disk');
      disk.grow();
      await waitFor(() => lastIsStreaming(lines), {
        timeoutMs: 60_000,
        what: 'archiving to go on',
      });
      await archiver.stop();
      await archiveToTheLastByte(server, path);
      expect(await problemsOf(server, path, null)).toEqual([]);
    },
  );
});

async function statusOf(server: TestServer, repository: string): Promise<string[]> {
  using archive = await openArchive(repository, { log: logInto([]) });
  const { findings } = await readStatus(archive, { primary: primarySettings(server) });
  return findings.map(({ severity, check }) => `${severity}: ${check}`);
}

/** Streaming again since the last complaint. */
function lastIsStreaming(lines: readonly LogLine[]): boolean {
  const last = lines.findLast(({ msg }) => msg === 'streaming' || msg.startsWith('no room'));
  return last?.msg === 'streaming';
}

describe.skipIf(!canMount)('replaying on a full disk (needs the right to mount)', () => {
  it('is told of, can be interrupted, and goes on when there is room', { timeout: 120_000 }, async () => {
    await using primary = await startPrimary();
    await using writer = await primary.connect();
    for (const sql of ['CREATE DATABASE shop', 'USE shop'] as const) await writer.query(sql);
    await writer.query('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, h BLOB, c VARBINARY(3000))');
    for (let n = 0; n < 20; n += 1) await writer.query(FILL);
    const ranges = await servedLog(writer, primary.datadir);
    const lines: LogLine[] = [];

    const replayOnSmallDisk = async (
      onFull: (disk: SmallDisk, controller: AbortController) => void,
    ): Promise<number | null> => {
      await using target = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
      using disk = mountSmallDisk(join(target.directory, 'disk'));
      if (disk === null) throw new Error('could mount a moment ago');
      await target.stop();
      await target.restart([`--relay-log=${join(disk.path, 'relay')}`]);
      await using connection = await target.connect();
      using _watch = watchDisk(disk.path, { log: logInto(lines), leastBytes: 64 * 1024, everyMs: 100 });
      const controller = new AbortController();
      const options = { ranges, identity: MARIADB_SOURCE, log: logInto([]), signal: controller.signal };
      const replaying = replay({ target: connection, ...options });
      replaying.catch(() => undefined); // looked at below
      try {
        const isTold = (): boolean => lines.some(({ msg }) => msg.startsWith('the disk is full'));
        await waitFor(isTold, { timeoutMs: 60_000, what: 'a full disk' });
        onFull(disk, controller);
        return (await replaying).groups;
      } finally {
        lines.length = 0;
        await target.kill(); // else its disk cannot be unmounted
      }
    };

    const interrupted = replayOnSmallDisk((_, controller) => {
      controller.abort();
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const groups = await replayOnSmallDisk((disk) => {
      disk.grow();
    });
    expect(groups).toBe(22);
  });
});
