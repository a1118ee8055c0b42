import { VERIFY_CHECKS, type Damage } from '../../archive/damage.ts';
import type { Lineage } from '../../archive/lineage.ts';
import type { SegmentDigest } from '../../archive/manifest.ts';
import { lastGoodOf } from '../../archive/segment-indexer.ts';
import { baseOf, listLineage, type LineageListing, type ListedFile } from '../../archive/verify-listing.ts';
import { verifyOrder, type CheckedFile } from '../../archive/verify-order.ts';
import type { LastGood } from '../../incident/incident.ts';
import { isArchiverAlive } from '../open-archive.ts';
import { mapInOrder } from './in-order.ts';
import type { KnownFile } from './known-catalog.ts';
import { isWithin } from './since.ts';
import type { VerifyContext } from './verify-context.ts';
import { softenTail, verifyWitness } from './witness.ts';

/** A folder below `lineages/`. */
export interface LineageFolder {
  readonly id: string;
  readonly path: string;
  /** null when lineage.json cannot be relied on. */
  readonly lineage: Lineage | null;
}

/** What is wrong with a lineage, and what was read of it. */
export interface LineageVerdict {
  readonly damages: readonly Damage[];
  readonly files: readonly CheckedFile[];
}

/** An archiver seals, and begins files, while they are read: so often what was found is looked at again. */
const ROUNDS = 3;

/**
 * Verifies one lineage: each file, and what holds between them. What an archiver changed meanwhile is read again, so that
 * its work never looks like damage.
 */
export async function verifyLineage(context: VerifyContext, folder: LineageFolder): Promise<LineageVerdict> {
  const witness = context.known.files(folder.id); // first: whatever it knows must be there afterwards
  const before = new Map<string, ReadFile>();
  for (let round = 1; ; round += 1) {
    const listing = await listFolder(context, folder);
    const files = await readFiles(context, { folder, listing, before });
    const verdict = judge({ folder, listing, files, witness });
    const isDone = round === ROUNDS || !verdict.damages.some(isBad);
    if (isDone || signatureOf(listing) === signatureOf(await listFolder(context, folder)))
      return (await isAtWork(context, folder)) ? withoutWork(verdict) : verdict;
  }
}

async function isAtWork({ repository }: VerifyContext, { lineage }: LineageFolder): Promise<boolean> {
  return lineage !== null && (await isArchiverAlive(repository, lineage.name));
}

/** What a living archiver has in the making is nothing to tell. */
function withoutWork({ damages, files }: LineageVerdict): LineageVerdict {
  return { damages: damages.filter(({ check }) => check !== 'leftover' && check !== 'open segment'), files };
}

function isBad({ check }: Damage): boolean {
  return VERIFY_CHECKS[check].severity !== 'info';
}

function signatureOf({ files }: LineageListing): string {
  return files.map(({ file, signature }) => `${file} ${signature}`).join('\n');
}

async function listFolder(
  { repository: { keys } }: VerifyContext,
  { id, path, lineage }: LineageFolder,
): Promise<LineageListing> {
  const base = lineage === null ? null : baseOf(lineage.firstFile);
  return await listLineage({ folder: path, lineage: id, base, keys });
}

/** A file as it was read, without its checkpoints: a long archive has many. */
interface ReadFile extends CheckedFile {
  readonly catalog: readonly Damage[];
}

interface Work {
  readonly folder: LineageFolder;
  readonly listing: LineageListing;
  /** By signature: what was read in an earlier round and was not touched since. */
  readonly before: Map<string, ReadFile>;
}

async function readFiles(context: VerifyContext, { folder, listing, before }: Work): Promise<ReadFile[]> {
  const files: ReadFile[] = [];
  let last = Promise.resolve<LastGood | null>(null);
  const reading = mapInOrder(listing.files, context.readers.width, async (listed): Promise<ReadFile> => {
    const done = before.get(`${listed.file} ${listed.signature}`);
    const read =
      done === undefined ? readFile(context, { folder, listed, last }) : Promise.resolve({ ...done, listed });
    last = lastAfter(listed, last, read);
    last.catch(() => undefined); // whoever reads it waits for `read` too
    return await read;
  });
  for await (const file of reading) {
    files.push(file);
    before.set(`${file.listed.file} ${file.listed.signature}`, file);
  }
  return files;
}

/** The newest group up to the end of a file. A manifest says it before the file is read: many are read at once. */
async function lastAfter(
  { manifest }: ListedFile,
  before: Promise<LastGood | null>,
  read: Promise<ReadFile>,
): Promise<LastGood | null> {
  const digest = manifest?.content ?? (await read).digest;
  return digest === null ? await before : lastGoodOf(digest, await before);
}

async function readFile(
  context: VerifyContext,
  o: { folder: LineageFolder; listed: ListedFile; last: Promise<LastGood | null> },
): Promise<ReadFile> {
  const { listed } = o;
  const { segment } = listed;
  const content = listed.manifest?.content ?? null;
  if (segment === null || !isWithin(context.since, listed))
    return { listed, report: null, digest: content, catalog: [] };
  const last = await o.last;
  const { update, ...report } = await context.readers.run({ kind: 'segment', segment, last });
  const digest = update?.digest ?? null;
  const isGood = update !== null && !report.damages.some((damage) => damage.path === segment.path && isBad(damage));
  if (isGood && o.folder.lineage !== null) context.rebuilt.replace(o.folder.lineage, update);
  const catalog = isGood ? context.known.compare(o.folder.id, update) : [];
  return { listed, report, digest, catalog };
}

function judge(o: {
  folder: LineageFolder;
  listing: LineageListing;
  files: readonly ReadFile[];
  witness: readonly KnownFile[];
}): LineageVerdict {
  const { folder, listing, files, witness } = o;
  const ofFiles = files.flatMap(({ report }) => report?.damages ?? []);
  const damages = [...listing.damages, ...ofFiles.map((damage) => softenTail(damage, files, witness))];
  const [first] = files;
  if (first !== undefined)
    damages.push(...verifyOrder(folder.lineage ?? assumeLineage(folder.id, first), folder.path, files));
  const isSaid = ({ check, path }: Damage): boolean =>
    damages.some((said) => said.check === check && said.path === path);
  damages.push(...verifyWitness(folder.path, files, witness).filter((damage) => !isSaid(damage)));
  // Behind a damaged file the catalog's rows cannot be told from those of a rebuild.
  if (!damages.some(isBad)) damages.push(...oneOf(files.flatMap(({ catalog }) => catalog)));
  return { damages: inFileOrder(folder, files, damages), files };
}

/** One rebuild mends them all. */
function oneOf([first, ...others]: readonly Damage[]): Damage[] {
  if (first === undefined) return [];
  return [others.length === 0 ? first : { ...first, found: `${first.found}, and ${others.length} more such` }];
}

/** Where lineage.json cannot be relied on, the first file speaks for it: what holds between the files is still looked at. */
function assumeLineage(id: string, { listed, report, digest }: CheckedFile): Lineage {
  const facts: Pick<SegmentDigest, 'openedAt' | 'gtidStart'> = digest ?? { openedAt: 0, gtidStart: null };
  return {
    format: 1,
    id,
    name: id,
    flavor: report?.flavor ?? 'mariadb',
    serverId: report?.serverId ?? 0,
    serverUuid: null,
    firstFile: listed.file,
    firstOpenedAt: facts.openedAt,
    firstGtidState: facts.gtidStart,
    parent: null,
    handOver: null,
    createdAt: '',
  };
}

/** File by file as the log goes, in each by offset: the same damage gives the same list. */
function inFileOrder(folder: LineageFolder, files: readonly CheckedFile[], damages: readonly Damage[]): Damage[] {
  const order = new Map<string, number>();
  for (const [index, { listed }] of files.entries()) {
    order.set(listed.path, index).set(listed.manifestPath, index);
  }
  const rank = ({ path }: Damage): number => order.get(path) ?? files.length;
  return damages.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      compareText(a.path, b.path) ||
      (a.offset ?? -1) - (b.offset ?? -1) ||
      compareText(a.check, b.check),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
