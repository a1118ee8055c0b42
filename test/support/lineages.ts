import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Lineage } from '../../src/archive/lineage.ts';
import { openRepository, type Repository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import type { ArchiveOptions } from '../../src/operations/archive.ts';
import { verify } from '../../src/operations/verify.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { ARCHIVER_SERVER_ID } from './archiver.ts';
import { cmpMasked } from './compare.ts';
import type { TestServer } from './servers.ts';

let repositories = 0;

/** A repository of its own for each test, removed with the server. */
export function newRepository(server: TestServer): string {
  repositories += 1;
  return join(server.directory, `repository-${repositories}`);
}

export async function run(server: TestServer, ...statements: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const statement of statements) await connection.query(statement);
}

export async function waitForGtid(path: string, gtid: string): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const repository = await openRepository(path).catch(() => null); // before the archiver's first steps
    if (repository === null) return false;
    using catalog = openCatalog(repository.catalogPath);
    const newest = catalog.lineages().at(-1)?.id ?? '';
    return catalog.segments(newest).at(-1)?.digest.gtidEnd === gtid;
  };
  await waitFor(probe, { timeoutMs: 30_000, what: `${gtid} in the newest lineage` });
}

export interface Archived {
  readonly repository: Repository;
  /** Oldest first. */
  readonly lineages: readonly Lineage[];
}

export async function openLineages(path: string): Promise<Archived> {
  const repository = await openRepository(path);
  return { repository, lineages: await repository.lineages() };
}

/** Names and bytes of a lineage's files: what must not change once another lineage has begun. */
export async function contentOf({ repository }: Archived, { id }: Lineage): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const { file, path } of await repository.segments(id)) content[file] = (await readFile(path)).toString('base64');
  return content;
}

/** Every archived file of the newest lineage against the server's own. */
export async function differences(path: string, server: TestServer): Promise<(string | null)[]> {
  const { repository, lineages } = await openLineages(path);
  const segments = await repository.segments(lineages.at(-1)?.id ?? '');
  const found = await Promise.all(
    segments.map((segment) => cmpMasked(segment.path, join(server.datadir, segment.file))),
  );
  return found.filter((difference) => difference !== null);
}

/** What `lastgood verify` finds in segments, hand-overs and catalog; the losses themselves it lists under the ledger. */
export async function problems(path: string): Promise<string[]> {
  const { findings } = await verify({
    repositoryPath: path,
    keyFile: null,
    since: null,
    jobs: 1,
    backups: true,
    signal,
  });
  return findings.filter(({ object }) => object !== 'ledger.jsonl').map(({ object, found }) => `${object}: ${found}`);
}

const { signal } = new AbortController();

export const PLAIN: Partial<ArchiveOptions> = { archive: { sync: 'group', semiSync: false, compression: 'none' } };

/** Archiver settings that lead where `at` points: a virtual address. */
export function movingAddress(start: TestServer): { at: TestServer; settings: ArchiveOptions['primary'] } {
  const address = {
    at: start,
    settings: {
      name: 'shop',
      serverId: ARCHIVER_SERVER_ID,
      user: 'root',
      password: '',
      tls: 'off' as const,
      get socket(): string {
        return address.at.socket;
      },
    },
  };
  return address;
}

/** A socket whose first connection leads to one server, and every later one to another. */
export async function startTurning(path: string, first: TestServer, later: TestServer): Promise<Disposable> {
  let connections = 0;
  const proxy = createServer((client) => {
    connections += 1;
    const server = connect(connections === 1 ? first.socket : later.socket);
    client.pipe(server).pipe(client);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
  });
  proxy.listen(path);
  await once(proxy, 'listening');
  return {
    [Symbol.dispose]: () => {
      proxy.close();
    },
  };
}
