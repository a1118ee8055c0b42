import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import type { ArchiveOptions } from '../../src/operations/archive.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  ARCHIVER_SERVER_ID,
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  segmentsOf,
  silentLog,
} from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startFlakyProxy } from '../support/flaky-proxy.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

const ROUNDS = Number(process.env['LASTGOOD_FAULT_ROUNDS'] ?? 40);
const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');
const ROTATE_EVERY_ROUNDS = 5;

async function writeConfig(server: TestServer): Promise<string> {
  const path = join(server.directory, 'lastgood.toml');
  await writeFile(
    path,
    `[repository]\nurl = ${JSON.stringify(repositoryBeside(server))}\n` +
      `[primary]\nname = "shop"\nsocket = ${JSON.stringify(server.socket)}\nuser = "root"\n` +
      `password_env = "LASTGOOD_TEST_PASSWORD"\nserver_id = ${ARCHIVER_SERVER_ID}\n`,
  );
  return path;
}

function startProcess(config: string): ChildProcess {
  const env = { ...process.env, LASTGOOD_TEST_PASSWORD: '' };
  return spawn(process.execPath, [PROGRAM, 'archive', '--config', config], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Resolves when the archiver has asked for the log, or has ended before. */
async function streaming(archiver: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    archiver.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('streaming')) resolve();
    });
    archiver.once('exit', () => {
      resolve();
    });
  });
}

/** The archive against the server's own files, and the catalog against one made anew. */
async function expectTruth(server: TestServer): Promise<void> {
  const path = repositoryBeside(server);
  await archiveToTheLastByte(server, path);
  for (const segment of await segmentsOf(path)) {
    expect(await cmpMasked(segment.path, join(server.datadir, segment.file))).toBeNull();
  }
  const repository = await openRepository(path);
  const rebuilt = join(server.directory, 'rebuilt.sqlite');
  await rebuildCatalog(repository, rebuilt, { log: silentLog });
  using kept = openCatalog(repository.catalogPath);
  using fresh = openCatalog(rebuilt);
  expect(kept.dump()).toEqual(fresh.dump());
}

/** A first connection that fails ends an archiver; as a service it is started again. */
async function superviseArchiver(
  server: TestServer,
  options: Pick<ArchiveOptions, 'primary' | 'signal'>,
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await archiveUntilCurrent(server, repositoryBeside(server), { ...options, untilCurrent: false });
    } catch (error) {
      if (!isLastgoodError(error, 'SERVER_UNREACHABLE')) throw error;
    }
  }
}

describe('the archive, after faults under load', () => {
  it(
    `equals the source after ${ROUNDS} archivers were killed at random moments`,
    { timeout: ROUNDS * 5000 + 60_000 },
    async ({ annotate }) => {
      const seed = chooseSeed();
      await annotate(`LASTGOOD_SEED=${seed}`);
      const random = seededRandom(seed);
      await using server = await startPrimary();
      const config = await writeConfig(server);
      await using connection = await server.connect();
      const workload = await startWorkload(() => server.connect());
      for (let round = 1; round <= ROUNDS; round += 1) {
        const archiver = startProcess(config);
        const exited = once(archiver, 'exit');
        if (round % 2 === 0) await streaming(archiver);
        await delay(random() * 600); // the fault itself: some moment of start-up or of steady work
        archiver.kill('SIGKILL');
        await exited;
        if (round % ROTATE_EVERY_ROUNDS === 0) await connection.query('FLUSH BINARY LOGS');
      }
      await workload.stop();
      const archived = await segmentsOf(repositoryBeside(server));
      expect(archived.length).toBeGreaterThanOrEqual(Math.floor(ROUNDS / ROTATE_EVERY_ROUNDS));
      await expectTruth(server);
    },
  );

  it('equals the source after its connection was cut at random bytes', { timeout: 240_000 }, async ({ annotate }) => {
    const seed = chooseSeed();
    await annotate(`LASTGOOD_SEED=${seed}`);
    const random = seededRandom(seed);
    await using server = await startPrimary();
    await using root = await server.connect();
    await root.query("CREATE USER lastgood@'127.0.0.1' IDENTIFIED BY 'secret'");
    await root.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO lastgood@'127.0.0.1'");
    const cutAfterBytes = (): number => Math.floor(random() ** 3 * 300_000) + 1;
    await using proxy = await startFlakyProxy({ targetPort: server.port, cutAfterBytes, maxCuts: ROUNDS });
    const account = server.tcpOptions({ name: 'primary', user: 'lastgood', password: 'secret' });
    const primary = { ...account, port: proxy.port, name: 'shop', serverId: ARCHIVER_SERVER_ID };
    const path = repositoryBeside(server);
    await archiveUntilCurrent(server, path);
    const workload = await startWorkload(() => server.connect());
    const stopping = new AbortController();
    const supervised = superviseArchiver(server, { primary, signal: stopping.signal });
    await waitFor(() => proxy.cuts >= ROUNDS, { timeoutMs: 200_000, what: `${ROUNDS} cuts` });
    await workload.stop();
    stopping.abort();
    await supervised;
    await expectTruth(server);
  });
});
