/**
 * Verification: reads the whole archive and tells everything that is wrong with it, at once. Enters: a repository. Leaves:
 * findings, each with its file, its offset where there is one, and the next safe step. Changes nothing in the repository.
 */
import { join, relative } from 'node:path';
import { VERIFY_CHECKS, type Damage } from '../archive/damage.ts';
import type { Repository } from '../archive/repository.ts';
import { Catalog } from '../catalog/catalog.ts';
import { LastgoodError } from '../platform/errors.ts';
import { formatSeconds } from '../platform/time.ts';
import { makeSweptDirectory } from '../platform/swept-directory.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import type { Finding } from './finding.ts';
import { verifyBackups } from './verify/backups.ts';
import { verifyHandOvers } from './verify/hand-overs.ts';
import { openKnownCatalog } from './verify/known-catalog.ts';
import { listLineageFolders, type LineageFolders } from './verify/lineage-folders.ts';
import { verifyLineage, type LineageFolder, type LineageVerdict } from './verify/lineage-pass.ts';
import { startReaders } from './verify/readers.ts';
import { openToVerify, verifyArchiverRuns, verifyLedger, verifyPins, verifyRehearsals } from './verify/records.ts';
import { parseSince, type Since } from './verify/since.ts';
import { sizeOfArchive } from './verify/size.ts';
import type { VerifyContext } from './verify/verify-context.ts';

export interface VerifyOptions {
  readonly repositoryPath: string;
  /** null: encrypted segments cannot be read. */
  readonly keyFile: string | null;
  /** A file or a time with its zone: segments before it are only listed. null: everything is read. */
  readonly since: string | null;
  /** false: backups are left out. */
  readonly backups: boolean;
  /** How many files are read at once; more than 1 takes threads. */
  readonly jobs: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** `object` is the file's path in the repository. */
export interface VerifyFinding extends Finding {
  /** Bytes from the start of the plain file; null where there is none to name. */
  readonly offset: number | null;
}

/** The contract's `verify` JSON. The same damage gives the same findings in the same order. */
export interface Verification {
  readonly findings: readonly VerifyFinding[];
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly infos: number;
    readonly lineages: number;
    /** Those that were read, with what was read of them: plain bytes, groups, events. */
    readonly segments: number;
    readonly bytes: number;
    readonly groups: number;
    readonly events: number;
    readonly backups: number;
    readonly seconds: number;
  };
}

/**
 * Verifies an archive, beside a running archiver too.
 *
 * @throws LastgoodError `REPOSITORY_MISSING`, `REPOSITORY_VERSION`, `FILE_UNREADABLE`, `KEY_FILE_INVALID`, `TIME_INVALID`, `USAGE`,
 * `PREFLIGHT_FAILED` without room for temporary files, `INTERRUPTED`; everything else is a finding
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const startedAt = performance.now();
  const since = options.since === null ? null : parseSince(options.since);
  const { repository, damages } = await openToVerify(options.repositoryPath, options.keyFile);
  const { jobs, backups, signal, onProgress } = options;
  const total = onProgress === undefined ? 0 : await sizeOfArchive(repository, { since, backups });
  await using temporary = await makeSweptDirectory('lastgood-verify-');
  using rebuilt = new Catalog(join(temporary.path, 'catalog.sqlite'), { kept: false });
  using known = await openKnownCatalog(repository.catalogPath);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.(Math.min(done, total), total);
  };
  await using readers = startReaders({ jobs, onBytes, signal });
  const context = { repository, readers, known, rebuilt, since, signal };
  const found = await verifyAll(context, options);
  throwIfAborted(signal);
  const all = [...damages, ...found.damages, ...known.damages];
  const findings = all.map((damage) => findingOf(repository, damage));
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  return { findings, summary: { ...countSeverities(findings), ...found.counts, seconds } };
}

type Counts = Pick<Verification['summary'], 'lineages' | 'segments' | 'bytes' | 'groups' | 'events' | 'backups'>;

async function verifyAll(
  context: VerifyContext,
  options: VerifyOptions,
): Promise<{ damages: Damage[]; counts: Counts }> {
  const { repository, rebuilt } = context;
  const { folders, damages } = await listLineageFolders(repository);
  const isUnread = unreadIn(repository, damages);
  const all = [...damages, ...findGoneLineages(context, folders, isUnread)];
  const lineages = folders.flatMap(({ lineage }) => lineage ?? []);
  rebuilt.setRecords({ lineages, backups: [], rehearsals: [] });
  const verdicts = new Map<string, LineageVerdict>();
  for (const folder of folders) {
    const verdict = await verifyLineage(context, folder);
    verdicts.set(folder.id, verdict);
    all.push(...verdict.damages);
  }
  checkSince(context.since, [...verdicts.values()]);
  const views = await openViews(context, verdicts);
  all.push(...(await verifyHandOvers(context, views, (id) => isWhole(verdicts.get(id)))));
  all.push(...(await verifyLedger(repository, lineages)), ...(await verifyPins(repository)));
  const backups = options.backups ? await verifyBackups(context, views, isUnread) : { backups: 0, damages: [] };
  all.push(...backups.damages, ...(await verifyRehearsals(repository)), ...(await verifyArchiverRuns(repository)));
  if ([...verdicts.values()].every(({ files }) => files.length === 0)) all.push(...nothingToVerify(repository, all));
  else all.push(...nothingSince(context, [...verdicts.values()]));
  return { damages: all, counts: { ...countRead(folders, verdicts), backups: backups.backups } };
}

/** Tells of which lineages nothing could be seen: not seen is not gone. */
function unreadIn(repository: Repository, damages: readonly Damage[]): (lineage: string) => boolean {
  const unread = new Set(damages.filter(({ check }) => check === 'readable').map(({ path }) => path));
  const parent = join(repository.path, 'lineages');
  return (id) => [parent, repository.lineageFolder(id)].some((path) => unread.has(path));
}

/** Only the catalog still tells of a lineage whose folder is gone. */
function findGoneLineages(
  { known, repository }: VerifyContext,
  folders: LineageFolders['folders'],
  isUnread: (lineage: string) => boolean,
): Damage[] {
  const seen = new Set(folders.map(({ path }) => path));
  const gone = known.lineages().filter((id) => !seen.has(repository.lineageFolder(id)) && !isUnread(id));
  return gone.map((id) => {
    const files = known.files(id).map(({ file }) => file);
    const found = `the lineage is not there, though the catalog has what was archived of it: ${files[0] ?? ''} to ${files.at(-1) ?? ''}`;
    return { check: 'missing segment', path: repository.lineageFolder(id), offset: null, found };
  });
}

/** An archive that nobody has begun must not look like one that is whole; where something is damaged, that is the news. */
function nothingToVerify({ path }: Repository, damages: readonly Damage[]): Damage[] {
  if (damages.some(({ check }) => VERIFY_CHECKS[check].severity === 'error')) return [];
  const found = 'nothing is archived yet: there is nothing to verify';
  return [{ check: 'nothing archived', path: join(path, 'lineages'), offset: null, found }];
}

/** A time behind the whole archive, or one that has not come yet: nothing wrong was found, because nothing was looked at. */
function nothingSince({ repository, since }: VerifyContext, verdicts: readonly LineageVerdict[]): Damage[] {
  if (since?.kind !== 'time') return [];
  const files = verdicts.flatMap((verdict) => verdict.files);
  const read = files.filter(({ report }) => report !== null).length;
  if (read > 0 && since.seconds <= Date.now() / 1000) return [];
  const time = formatSeconds(since.seconds);
  const why = since.seconds > Date.now() / 1000 ? `${time} has not come yet` : `all were finished before ${time}`;
  const found = `${read} of ${files.length} segments were read: ${why}`;
  return [{ check: 'nothing read', path: join(repository.path, 'lineages'), offset: null, found }];
}

/** Nothing read is not nothing wrong. */
function checkSince(since: Since | null, verdicts: readonly LineageVerdict[]): void {
  if (since?.kind !== 'file') return;
  if (verdicts.some(({ files }) => files.some(({ listed }) => listed.file === since.file))) return;
  throw new LastgoodError('USAGE', `no segment '${since.file}' is in the archive`, {
    hint: 'Run `lastgood segments` to see what is archived.',
  });
}

/** Over what was just read and found whole, not over what the catalog says. */
async function openViews(
  { rebuilt, signal }: VerifyContext,
  verdicts: ReadonlyMap<string, LineageVerdict>,
): Promise<LineageView[]> {
  const segments: Pick<Repository, 'segments'>['segments'] = (id) =>
    Promise.resolve((verdicts.get(id)?.files ?? []).flatMap(({ listed }) => listed.segment ?? []));
  return await openLineageViews({ repository: { segments }, catalog: rebuilt, signal });
}

function isWhole(verdict: LineageVerdict | undefined): boolean {
  if (verdict === undefined || verdict.files.some(({ report }) => report === null)) return false;
  return verdict.damages.every(({ check }) => VERIFY_CHECKS[check].severity !== 'error');
}

function countRead(
  folders: readonly LineageFolder[],
  verdicts: ReadonlyMap<string, LineageVerdict>,
): Omit<Counts, 'backups'> {
  const counts = { lineages: folders.length, segments: 0, bytes: 0, groups: 0, events: 0 };
  for (const { report, digest } of [...verdicts.values()].flatMap(({ files }) => files)) {
    if (report === null) continue;
    counts.segments += 1;
    counts.bytes += report.bytes;
    counts.groups += digest?.groups ?? 0;
    counts.events += digest?.events ?? 0;
  }
  return counts;
}

function findingOf({ path: root }: Repository, { check, path, offset, found, fix }: Damage): VerifyFinding {
  const known = VERIFY_CHECKS[check];
  const object = relative(root, path);
  return { severity: known.severity, check, object, offset, found, fix: fix ?? known.fix };
}

function countSeverities(findings: readonly Finding[]): Pick<Verification['summary'], 'errors' | 'warnings' | 'infos'> {
  const count = (severity: Finding['severity']): number => findings.filter((item) => item.severity === severity).length;
  return { errors: count('error'), warnings: count('warning'), infos: count('info') };
}
