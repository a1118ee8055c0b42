import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { salvageInto, type SalvagedInto } from '../../src/operations/salvage/salvage-into.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { silentLog } from '../support/archiver.ts';
import { run } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { startFlakyProxy } from '../support/flaky-proxy.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { portrait, SHOP, takenFrom } from '../support/salvage-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const RUNNER = join(import.meta.dirname, '../support/salvage-runner.ts');
const CUTS = 25;
const KILLS = 10;
/** About what the server says to a whole salvage of the scene's schema, bytes. */
const ANSWERS = 90_000;

let scratchServer: TestServer;
let liveServer: TestServer;
let scratch: ServerConnection;
let live: ServerConnection;
let whole: Record<string, unknown>;

beforeAll(async () => {
  [scratchServer, liveServer] = await Promise.all([
    startPrimary({ args: ['--skip-log-bin'] }),
    startPrimary({ serverId: 102 }),
  ]);
  scratch = await scratchServer.connect();
  live = await liveServer.connect();
  await run(live, [
    ...SHOP.slice(0, 4),
    "CREATE USER 'remote'@'%' IDENTIFIED BY 'secret'",
    "GRANT ALL ON *.* TO 'remote'@'%'",
  ]);
  await restored();
  whole = await portrait(scratch, 'shop');
});

afterAll(async () => {
  await liveServer[Symbol.asyncDispose]();
  await scratchServer[Symbol.asyncDispose]();
});

/** A salvage from this process has set its session otherwise. */
const AS_EVER = ['SET foreign_key_checks = 0', 'SET SESSION sql_mode = DEFAULT'];

/** The scratch server as a restore leaves it: a salvage has moved its tables. */
async function restored(): Promise<void> {
  await run(scratch, [...AS_EVER, 'DROP DATABASE IF EXISTS shop', ...SHOP, 'DROP VIEW shop.broken']);
}

async function schemas(): Promise<string[]> {
  const rows = await live.query<{ name: string }>(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
     WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('a salvage into a live server', () => {
  it('is whole or leaves nothing when its connection is cut at any byte', { timeout: 240_000 }, async () => {
    const seed = chooseSeed();
    console.info(`LASTGOOD_SEED=${seed}`);
    const random = seededRandom(seed);
    const before = await checksums(live);
    let failed = 0;
    let continued = 0;
    for (let round = 0; round < CUTS; round += 1) {
      await restored();
      await using proxy = await startFlakyProxy({
        ...{ targetPort: liveServer.port, maxCuts: 1 },
        cutAfterBytes: () => Math.floor(random() * ANSWERS),
      });
      const server = {
        name: 'live server',
        host: '127.0.0.1',
        port: proxy.port,
        user: 'remote',
        password: 'secret',
        tls: 'off' as const,
      };
      let done: SalvagedInto = { tables: [], notCarried: [], warnings: [] };
      const error = await salvageInto({
        ...(await takenFrom(scratchServer, scratch)),
        ...{ server, as: 'shop', enableEvents: false, log: silentLog, onProgress: () => undefined },
      }).then(
        (result) => {
          done = result;
          return null;
        },
        (reason: unknown) => String(reason),
      );
      // Once the tables are in use, what was cut off is said and not taken away again.
      if (error === null && done.notCarried.length > 0) {
        continued += 1;
        expect(done.notCarried.every(({ type }) => type === 'view' || type === 'event')).toBe(true);
        expect((await portrait(live, 'shop'))['sums']).toEqual(whole['sums']);
      } else if (error === null) expect(await portrait(live, 'shop')).toEqual(whole);
      else {
        failed += 1;
        expect(error).not.toContain('could not be removed');
        expect(await schemas(), `round ${round}: ${error}`).toEqual(['crm']);
      }
      await live.query('DROP DATABASE IF EXISTS shop');
      expect(await checksums(live)).toEqual(before);
    }
    console.info(`${failed} of ${CUTS} were cut while they worked, ${continued} when the tables were in use`);
    expect(failed).toBeGreaterThan(CUTS / 5);
  });

  it('never looks finished when it was killed, and touches nothing else', { timeout: 240_000 }, async () => {
    const seed = chooseSeed();
    console.info(`LASTGOOD_SEED=${seed}`);
    const random = seededRandom(seed);
    const temporary = join(scratchServer.directory, 'runner');
    await mkdir(temporary);
    const settings = {
      scratch: scratchServer.serverOptions('scratch server'),
      live: liveServer.serverOptions('live server'),
      temporary,
    };
    const before = await checksums(live, ['crm']);
    let unfinished = 0;
    for (let round = 0; round < KILLS; round += 1) {
      await restored();
      const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, JSON.stringify(settings)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const exited = once(child, 'exit');
      const loading = once(child.stderr, 'data'); // its first line: it begins to write now
      await Promise.race([loading, exited]);
      await delay(random() * 500); // the fault itself: some moment of its work
      child.kill('SIGKILL');
      await exited;
      const left = (await schemas()).filter((name) => name.startsWith('lastgood_salvage_'));
      unfinished += left.length;
      if (left.length === 0) expect(await portrait(live, 'shop')).toEqual(whole);
      expect(await checksums(live, ['crm'])).toEqual(before);
      // What a person does then, as the next salvage's warning says.
      await run(
        live,
        [...left, 'shop'].map((name) => `DROP DATABASE IF EXISTS ${name}`),
      );
    }
    console.info(`${unfinished} of ${KILLS} were killed while they worked`);
    expect(unfinished).toBeGreaterThan(0);
    await restored();
    const again = {
      server: settings.live,
      as: 'shop',
      enableEvents: false,
      log: silentLog,
      onProgress: () => undefined,
    };
    await salvageInto({ ...(await takenFrom(scratchServer, scratch)), ...again });
    expect(await portrait(live, 'shop')).toEqual(whole);
  });
});
