import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SegmentManifest } from '../../src/archive/manifest.ts';
import { openSegment } from '../../src/archive/read-segment.ts';
import { openRepository, type ArchivedSegment, type Repository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import { ARCHIVER_SERVER_ID, primarySettings, silentLog } from './archiver.ts';
import { hideInUse } from './compare.ts';
import type { CrashPlan } from './crash-preload.ts';
import type { TestServer } from './servers.ts';

const BUILT = join(import.meta.dirname, '../../dist/operations/archive.js');
const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');
/** For the program and its threads, in this order. */
const PRELOADS = [
  'tsx',
  join(import.meta.dirname, 'typescript-in-threads.mjs'),
  join(import.meta.dirname, 'crash-preload.ts'),
];

const KEY = `${'0123456789abcdef'.repeat(4)}\n`;

/** How segments are stored. */
export interface StoredForm {
  readonly compression: 'none' | 'zstd';
  readonly encrypted: boolean;
}

/** A configuration for the built program that archives `server` into `repository`. */
export async function writeConfig(
  server: TestServer,
  { path, repository, form }: { path: string; repository: string; form?: StoredForm },
): Promise<void> {
  const { compression = 'zstd', encrypted = false } = form ?? {};
  if (encrypted) await writeFile(`${path}.key`, KEY, { mode: 0o600 });
  await writeFile(
    path,
    `[repository]\nurl = ${JSON.stringify(repository)}\n` +
      (encrypted ? `encryption_key_file = ${JSON.stringify(`${path}.key`)}\n` : '') +
      `[archive]\ncompression = "${compression}"\n` +
      `[primary]\nname = "shop"\nsocket = ${JSON.stringify(server.socket)}\nuser = "root"\n` +
      `password_env = "LASTGOOD_TEST_PASSWORD"\nserver_id = ${ARCHIVER_SERVER_ID}\n`,
  );
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs `lastgood archive --until-current`, with a crash plan or without. */
export async function runArchive(config: string, plan?: CrashPlan): Promise<Ended> {
  const preload = plan === undefined ? [] : PRELOADS.flatMap((module) => ['--import', module]);
  const child = spawn(process.execPath, [...preload, PROGRAM, 'archive', '--until-current', '--config', config], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, LASTGOOD_TEST_PASSWORD: '', ...(plan && { LASTGOOD_CRASH: JSON.stringify(plan) }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { exitCode: child.exitCode, signal: child.signalCode, stderr };
}

/** The same, for a run that must go well. @throws with what it said when it does not */
export async function mustArchive(config: string, plan?: CrashPlan): Promise<void> {
  const { exitCode, signal, stderr } = await runArchive(config, plan);
  if (exitCode !== 0) throw new Error(`archive ended with ${exitCode ?? signal}: ${stderr}`);
}

/** The next start of the built program after a crash, to the source's end; in this process, which is faster. */
export async function heal(
  server: TestServer,
  repositoryPath: string,
  { form, keyFile }: { form: StoredForm; keyFile: string },
): Promise<void> {
  const { archive } = (await import(BUILT)) as Pick<typeof import('../../src/operations/archive.ts'), 'archive'>;
  await archive({
    repositoryPath,
    ...(form.encrypted ? { keyFile } : {}),
    primary: primarySettings(server),
    archive: { sync: 'group', semiSync: false, compression: form.compression },
    untilCurrent: true,
    log: silentLog,
    signal: new AbortController().signal,
  });
}

/** What is wrong in an archive that was archived to its source's end: each file, each name, the catalog. */
export async function problemsOf(server: TestServer, path: string, keyFile: string | null): Promise<string[]> {
  const repository = await openRepository(path, { keyFile });
  const lineages = await repository.lineages();
  const [lineage] = lineages;
  if (lineage === undefined || lineages.length > 1) return [`${lineages.length} lineages`];
  const problems: string[] = [];
  const segments = await repository.segments(lineage.id);
  const source = (await readdir(server.datadir)).filter((name) => /^binlog\.\d+$/.test(name)).sort();
  const archived = segments.map(({ file }) => file);
  if (archived.join() !== source.join()) problems.push(`has ${archived.join()}, the source ${source.join()}`);
  for (const segment of segments) {
    const ours = await plainBytes(segment);
    const theirs = hideInUse(await readFile(join(server.datadir, segment.file)));
    if (!ours.equals(theirs)) problems.push(`${segment.file} has ${ours.length} bytes, the source's ${theirs.length}`);
  }
  problems.push(...(await strayNames(path)));
  if ((await repository.ledger.entries()).length > 0) problems.push('the ledger has entries');
  if (!(await equalsRebuild(repository))) problems.push('the catalog does not equal its rebuild');
  return problems;
}

/** All of a segment's bytes as its source wrote them. */
export async function plainBytes(segment: ArchivedSegment): Promise<Buffer> {
  const bytes = Buffer.alloc(segment.bytes);
  await using source = await openSegment(segment);
  for (let at = 0; at < bytes.length;) {
    const got = await source.read(bytes, at);
    if (got === 0) return bytes.subarray(0, at);
    at += got;
  }
  return hideInUse(bytes);
}

/** What a crash may leave for a moment must be gone again. */
async function strayNames(path: string): Promise<string[]> {
  const known = [
    /^(?:repository\.json|ledger\.jsonl|pins\.jsonl|alerts-shop\.jsonl|archiver-shop\.json|catalog\.sqlite|catalog\.sqlite\.damaged)$/,
    /^(?:lineages|backups|rehearsals|lineages\/shop-[0-9a-f]{8})$/,
    /^lineages\/shop-[0-9a-f]{8}\/(?:lineage\.json|binlog\.\d+(?:\.zst|\.enc)?|binlog\.\d+\.json)$/,
  ];
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => !known.some((form) => form.test(name))).map((name) => `'${name}' is left over`);
}

/** True when the catalog says what one made anew from the archive says. */
export async function equalsRebuild(repository: Repository): Promise<boolean> {
  const rebuilt = `${repository.path}.rebuilt.sqlite`;
  await rebuildCatalog(repository, rebuilt, { log: silentLog });
  try {
    using kept = openCatalog(repository.catalogPath);
    using fresh = openCatalog(rebuilt);
    return JSON.stringify(kept.dump()) === JSON.stringify(fresh.dump());
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(rebuilt + suffix, { force: true });
  }
}

/** What the catalog tells of and the disk did not keep: then something was told before it was durable. */
export async function toldTooEarly(path: string): Promise<string[]> {
  const catalogPath = join(path, 'catalog.sqlite');
  if (!existsSync(catalogPath)) return [];
  using catalog = openCatalog(catalogPath);
  const problems: string[] = [];
  for (const { id } of catalog.lineages()) {
    const rows = catalog.segments(id);
    const onDisk = rows.length === 0 ? [] : await segmentsOnDisk(path, id);
    for (const { digest, state } of rows) {
      const segment = onDisk.find(({ file }) => file === digest.file);
      const kept = segment?.bytes ?? 0;
      if (kept < digest.indexedTo)
        problems.push(`${digest.file} is told of up to ${digest.indexedTo}, ${kept} were kept`);
      if (state === 'sealed' && segment?.state !== 'sealed') problems.push(`${digest.file} has no manifest`);
    }
  }
  return problems;
}

async function segmentsOnDisk(path: string, lineage: string): Promise<ArchivedSegment[]> {
  try {
    return await (await openRepository(path)).segments(lineage);
  } catch {
    return []; // not even the folder is there: nothing of it was kept
  }
}

/** Sealed segments whose stored bytes are not what their manifest says: a manifest vouches for bytes that were not durable. */
export async function falseManifests(path: string): Promise<string[]> {
  const problems: string[] = [];
  const folders = await readdir(join(path, 'lineages')).catch(() => []);
  for (const folder of folders) {
    const names = await readdir(join(path, 'lineages', folder));
    for (const name of names.filter((each) => /^binlog\.\d+\.json$/.test(each))) {
      const at = join(path, 'lineages', folder, name);
      const manifest = await manifestAt(at);
      if (typeof manifest === 'string') {
        problems.push(`${name} cannot be read: ${manifest}`);
        continue;
      }
      const stored = at.replace(
        /\.json$/,
        manifest.encryption ? '.enc' : manifest.compression === 'zstd' ? '.zst' : '',
      );
      const bytes = await readFile(stored).catch(() => Buffer.alloc(0));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 !== manifest.storedSha256) problems.push(`${name} vouches for other bytes, ${bytes.length} are there`);
    }
  }
  return problems;
}

/** @returns why it cannot be read, where it cannot: that is a fault to list, and the next manifest is looked at too */
async function manifestAt(path: string): Promise<SegmentManifest | string> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as SegmentManifest;
  } catch (error) {
    return String(error);
  }
}
