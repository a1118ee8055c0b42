import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSegment } from '../../src/archive/read-segment.ts';
import { readBinlog } from '../../src/binlog/read-binlog.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { ARCHIVER_SERVER_ID, archiveUntilCurrent, repositoryBeside, segmentsOf } from './archiver.ts';
import { startPrimary, type TestServer } from './servers.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');
const CLIENTS = 4;
const INSERTED = /insert into d\.t values \('([^']+)'\)/;
/** Commits wait for the archive however long it takes: what times out is the test. */
const SEMI_SYNC = [
  '--rpl-semi-sync-master-enabled=ON',
  '--rpl-semi-sync-master-timeout=600000',
  '--rpl-semi-sync-master-wait-point=AFTER_SYNC',
];

/** A primary whose commits wait for an archiver, both of which may be killed at any moment. */
export interface Victim extends AsyncDisposable {
  /**
   * Starts primary and archiver, lets clients commit, and kills both at once after `afterMs` of commits.
   *
   * @returns what the clients saw committed
   */
  round(name: string, afterMs: number): Promise<string[]>;
  /** What stands in the archive as the last kill left it, whole groups of the newest files only. */
  archived(): Promise<Set<string>>;
}

/** Makes the primary, stopped, with an empty table. */
export async function startVictim(): Promise<Victim> {
  const server = await startPrimary({ args: ['--binlog-format=STATEMENT'] });
  {
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE d');
    await connection.query('CREATE TABLE d.t (id VARCHAR(40) PRIMARY KEY) ENGINE=InnoDB');
  }
  await archiveUntilCurrent(server, repositoryBeside(server)); // a first time, before commits wait for it
  await server.stop();
  const config = await writeConfig(server);
  return {
    round: async (name, afterMs) => await runRound({ server, config, name, afterMs }),
    archived: async () => await readArchived(repositoryBeside(server)),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
    },
  };
}

async function writeConfig(server: TestServer): Promise<string> {
  const path = join(server.directory, 'lastgood.toml');
  const sections = [
    `[repository]\nurl = ${JSON.stringify(repositoryBeside(server))}`,
    `[primary]\nname = "shop"\nsocket = ${JSON.stringify(server.socket)}\nuser = "root"`,
    `password_env = "LASTGOOD_TEST_PASSWORD"\nserver_id = ${ARCHIVER_SERVER_ID}`,
    '[archive]\nsemi_sync = true\n',
  ];
  await writeFile(path, sections.join('\n'));
  return path;
}

async function runRound(o: { server: TestServer; config: string; name: string; afterMs: number }): Promise<string[]> {
  const { server, config, name, afterMs } = o;
  await server.restart(SEMI_SYNC);
  const archiver = startProcess(config);
  const committed: string[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, client) => commit(server, `${name}-${client}`, committed));
  await waitFor(() => committed.length > 0 || archiver.process.exitCode !== null, {
    timeoutMs: 60_000,
    what: `a first commit in ${name}`,
  });
  await delay(afterMs); // the fault itself: some moment of steady work
  const status = archiver.process.exitCode;
  process.kill(server.pid, 'SIGKILL');
  archiver.process.kill('SIGKILL');
  await Promise.all([server.kill(), archiver.exited, ...clients]);
  if (status !== null) throw new Error(`the archiver ended with status ${status}: ${archiver.log()}`);
  return committed;
}

/** Commits one row after the other until the server is gone. */
async function commit(server: TestServer, name: string, committed: string[]): Promise<void> {
  try {
    const connection = await server.connect();
    for (let number = 1; ; number += 1) {
      await connection.query(`insert into d.t values ('${name}-${number}')`);
      committed.push(`${name}-${number}`);
    }
  } catch (error) {
    if (!isLastgoodError(error, 'SERVER_UNREACHABLE')) throw error;
  }
}

function startProcess(config: string): { process: ChildProcess; exited: Promise<unknown>; log: () => string } {
  const env = { ...process.env, LASTGOOD_TEST_PASSWORD: '' };
  const child = spawn(process.execPath, [PROGRAM, 'archive', '--config', config], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  return { process: child, exited: once(child, 'exit'), log: () => log };
}

/** A round writes to at most two files: the new one, and the one before it, whose end the archiver may have fetched late. */
async function readArchived(repositoryPath: string): Promise<Set<string>> {
  const found = new Set<string>();
  let open: string[] = [];
  for (const segment of (await segmentsOf(repositoryPath)).slice(-3)) {
    await using source = await openSegment(segment);
    await readBinlog(source, {
      verifyChecksums: true,
      visitor: {
        query: ({ text }) => {
          const id = INSERTED.exec(text.toString())?.[1];
          if (id !== undefined) open.push(id);
        },
        group: ({ ending }) => {
          if (ending === 'commit') for (const id of open) found.add(id);
          open = [];
        },
        torn: () => (open = []),
      },
    });
  }
  return found;
}
