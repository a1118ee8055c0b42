import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { indexSegment } from '../../src/archive/read-segment.ts';
import { openRepository, type ArchivedSegment } from '../../src/archive/repository.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ArchiveOptions } from '../../src/operations/archive.ts';
import { listBinaryLogs } from '../../src/server/binary-logs.ts';
import { startArchiverProcess, writeArchiverConfig, type ArchiverProcess } from '../support/archiver-process.ts';
import {
  ARCHIVER_SERVER_ID,
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  segmentsOf,
} from '../support/archiver.ts';
import { hideInUse } from '../support/compare.ts';
import { equalsRebuild, plainBytes } from '../support/crash-scene.ts';
import { startFlakyProxy, type FlakyProxy } from '../support/flaky-proxy.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload, type Workload } from '../support/workload.ts';

/** Of archivers, over all time zones. */
const KILLS = Number(process.env['LASTGOOD_FAULT_KILLS'] ?? 200);
const CUTS = 40;
const ROTATE_EVERY = 5;
const PRIMARY_FALLS_EVERY = 11;
const ZONES = ['UTC', 'America/New_York', 'Asia/Kolkata'];
const KILLS_PER_ZONE = Math.ceil(KILLS / ZONES.length);
/** The source could not be reached at the first connection: the service manager starts such an archiver again. */
const UNREACHABLE = 12;
const ACCOUNT = { user: 'lastgood', password: 'secret' };

async function createAccount(server: TestServer): Promise<void> {
  await using root = await server.connect();
  await root.query("CREATE USER lastgood@'127.0.0.1' IDENTIFIED BY 'secret'");
  await root.query("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO lastgood@'127.0.0.1'");
}

/** The archive against the server's own files and GTIDs, and the catalog against one made anew. */
async function expectTruth(server: TestServer): Promise<void> {
  const path = repositoryBeside(server);
  await archiveToTheLastByte(server, path);
  const segments = await segmentsOf(path);
  const files = (await readdir(server.datadir)).filter((name) => /^binlog\.\d+$/.test(name));
  expect(segments.map(({ file }) => file)).toEqual(files.sort());
  for (const segment of segments) expect(await differenceOf(server, segment)).toBeNull();
  expect(await gtidsOf(segments)).toEqual(await gtidsOn(server));
  const repository = await openRepository(path);
  expect(await repository.ledger.entries()).toEqual([]);
  expect(await equalsRebuild(repository)).toBe(true);
}

/** Null when it is the source's file, but for the bytes that a kill kept the source itself from finishing. */
async function differenceOf(server: TestServer, segment: ArchivedSegment): Promise<string | null> {
  const torn = segment.manifest?.tornBytes ?? 0;
  const theirs = hideInUse(await readFile(join(server.datadir, segment.file)));
  const whole = theirs.subarray(0, theirs.length - torn);
  const ours = await plainBytes(segment);
  return ours.equals(whole)
    ? null
    : `${segment.file}: ${ours.length} bytes, the source has ${whole.length} (${torn} torn)`;
}

/** How many groups of domain 0 are archived, and the sequence numbers that are not exactly one after the other. */
async function gtidsOf(segments: readonly ArchivedSegment[]): Promise<{ groups: number; wrong: string[] }> {
  const found = { groups: 0, wrong: [] as string[] };
  for (const segment of segments) {
    const { update } = await indexSegment({ segment, last: null, verifyChecksums: true });
    if (update === null || update.digest.groups === 0) continue;
    const { first, last, groups } = update.digest;
    const [from, to] = [`0-101-${found.groups + 1}`, `0-101-${found.groups + groups}`];
    if (first?.gtid !== from || last?.gtid !== to) found.wrong.push(`${segment.file} is not ${from} to ${to}`);
    found.groups += groups;
  }
  return found;
}

async function gtidsOn(server: TestServer): Promise<{ groups: number; wrong: string[] }> {
  await using connection = await server.connect();
  const [row] = await connection.query<{ gtid: string }>('SELECT @@gtid_binlog_pos AS gtid');
  return { groups: Number(row?.gtid.replace('0-101-', '')), wrong: [] };
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

/** A primary under load that falls, and whose archivers are killed, as a seed says. */
class Storm {
  readonly #server: TestServer;
  readonly #random: () => number;
  readonly #start: () => ArchiverProcess;
  #workload: Workload | null = null;

  constructor(server: TestServer, random: () => number, start: () => ArchiverProcess) {
    this.#server = server;
    this.#random = random;
    this.#start = start;
  }

  async rage(kills: number): Promise<void> {
    for (let round = 1; round <= kills; round += 1) {
      this.#workload ??= await startWorkload(() => this.#server.connect());
      await this.#killOne(round);
      if (round % ROTATE_EVERY === 0) await this.#rotate();
      if (round % PRIMARY_FALLS_EVERY === 0)
        await this.#fell(round % (2 * PRIMARY_FALLS_EVERY) === 0 ? 'stop' : 'kill');
    }
    await this.#workload?.stop();
  }

  async #killOne(round: number): Promise<void> {
    const archiver = this.#start();
    if (round % 2 === 0) await archiver.streaming;
    if (round % ROTATE_EVERY === 0) await this.#reachesTheNewestFile(archiver);
    await delay(this.#random() * 600); // the fault itself: some moment of start-up or of steady work
    const exitCode = await archiver.kill();
    if (exitCode !== null && exitCode !== UNREACHABLE)
      throw new Error(`an archiver ended with ${exitCode}: ${archiver.said}`);
  }

  /** However slow the machine and quick the clients: the storm goes over all files, not only over the first ones. */
  async #reachesTheNewestFile(archiver: ArchiverProcess): Promise<void> {
    await using connection = await this.#server.connect();
    const newest = (await listBinaryLogs(connection)).at(-1)?.file;
    const path = repositoryBeside(this.#server);
    const isBegun = async (): Promise<boolean> => (await (await openRepository(path)).lineages()).length > 0;
    // All before it may have been cut off or killed before they archived anything.
    const reached = async (): Promise<boolean> =>
      archiver.ended || ((await isBegun()) && (await segmentsOf(path)).at(-1)?.file === newest);
    await waitFor(reached, { timeoutMs: 60_000, what: `the archive of ${newest ?? ''}` });
  }

  async #rotate(): Promise<void> {
    await using connection = await this.#server.connect();
    await connection.query('FLUSH BINARY LOGS');
  }

  /** While an archiver is connected and clients write. */
  async #fell(how: 'stop' | 'kill'): Promise<void> {
    const archiver = this.#start();
    await archiver.streaming;
    await this.#server[how]();
    await this.#workload?.stop().catch(() => undefined); // its connections are gone
    this.#workload = null;
    await this.#server.restart();
    await archiver.kill();
  }
}

async function startFlaky(server: TestServer, random: () => number, maxCuts: number): Promise<FlakyProxy> {
  const cutAfterBytes = (): number => Math.floor(random() ** 3 * 300_000) + 1;
  return await startFlakyProxy({ targetPort: server.port, cutAfterBytes, maxCuts });
}

describe('the archive, after faults under load', () => {
  it.each(ZONES)(
    `equals the source after ${KILLS_PER_ZONE} archivers were killed at random moments, connections cut, the primary killed: TZ %s`,
    { timeout: KILLS_PER_ZONE * 6000 + 120_000 },
    async (zone) => {
      const seed = chooseSeed();
      console.info(`LASTGOOD_SEED=${seed} (TZ ${zone})`);
      const random = seededRandom(seed);
      // A primary that may forget what it sent has another history after kill -9: then there is nothing to compare with.
      await using server = await startPrimary({ env: { TZ: zone }, args: ['--sync-binlog=1'] });
      await createAccount(server);
      await using proxy = await startFlaky(server, random, KILLS_PER_ZONE / 2);
      const config = join(server.directory, 'lastgood.toml');
      const source = { port: proxy.port, ...ACCOUNT };
      await writeArchiverConfig(config, { repository: repositoryBeside(server), source });
      const env = { TZ: zone, LASTGOOD_TEST_PASSWORD: ACCOUNT.password };
      await new Storm(server, random, () => startArchiverProcess(config, env)).rage(KILLS_PER_ZONE);
      const archived = await segmentsOf(repositoryBeside(server));
      expect(archived.length).toBeGreaterThanOrEqual(Math.floor(KILLS_PER_ZONE / ROTATE_EVERY));
      await expectTruth(server);
    },
  );

  it('equals the source after its connection was cut at random bytes', { timeout: 240_000 }, async () => {
    const seed = chooseSeed();
    console.info(`LASTGOOD_SEED=${seed}`);
    await using server = await startPrimary();
    await createAccount(server);
    await using proxy = await startFlaky(server, seededRandom(seed), CUTS);
    const account = server.tcpOptions({ name: 'primary', ...ACCOUNT });
    const primary = { ...account, port: proxy.port, name: 'shop', serverId: ARCHIVER_SERVER_ID };
    await archiveUntilCurrent(server, repositoryBeside(server));
    const workload = await startWorkload(() => server.connect());
    const stopping = new AbortController();
    const supervised = superviseArchiver(server, { primary, signal: stopping.signal });
    await waitFor(() => proxy.cuts >= CUTS, { timeoutMs: 200_000, what: `${CUTS} cuts` });
    await workload.stop();
    stopping.abort();
    await supervised;
    await expectTruth(server);
  });
});
