/**
 * Verification of one segment. Enters: an archived file. Leaves: everything wrong with it, and what it holds. Reads each byte
 * once; memory stays flat. Must not know the other segments: what holds between two of them is in verify-order.ts.
 */
import { createHash, type Hash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { BinlogReader } from '../binlog/binlog-reader.ts';
import { FIRST_EVENT_OFFSET, nextFile } from '../binlog/coordinates.ts';
import { EVENT_FLAG } from '../binlog/event-type.ts';
import { isOfSource } from '../binlog/event-view.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { feed, type ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { damageOfFailure, otherHash, type Damage } from './damage.ts';
import { hashFile } from './hash-file.ts';
import { openSegment } from './read-segment.ts';
import { manifestName, type ArchivedSegment } from './repository.ts';
import type { SegmentUpdate } from './segment-indexer.ts';
import { compareManifest } from './verify-manifest.ts';
import { VerifyingIndexer } from './verifying-indexer.ts';

/** What one segment holds, and what is wrong with it. Plain data. */
export interface SegmentReport {
  readonly damages: readonly Damage[];
  /** As the catalog should have it; null when the file could not be read to its end, or has no format. */
  readonly update: SegmentUpdate | null;
  readonly flavor: Flavor | null;
  /** Of the server that wrote the file's first event. */
  readonly serverId: number | null;
  /** Plain bytes that were read. */
  readonly bytes: number;
}

export interface SegmentReading {
  readonly segment: ArchivedSegment;
  /** The newest group of the lineage before this segment. */
  readonly last: LastGood | null;
  /** Told of each block that was read, in plain bytes. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a whole segment: every event's length, position and CRC, groups, hashes, and its manifest against all that. */
export async function verifySegment({ segment, last, onBytes, signal }: SegmentReading): Promise<SegmentReport> {
  const indexer = new VerifyingIndexer({ lineage: segment.lineage, file: segment.file, path: segment.path, last });
  const reader = new BinlogReader({
    visitor: indexer,
    verifyChecksums: true,
    onFormat: (format) => {
      indexer.format(format);
    },
  });
  const witness = new Witness({ hashed: segment.state === 'sealed', onBytes });
  const failure = await readAll(segment, { reader, witness, signal });
  const damages = [...eventDamages(segment, reader, failure), ...witness.damages(segment.path)];
  const update = failure === null ? indexer.update(reader.counts, segment.state) : null;
  if (damages.length === 0) damages.push(...(await compare({ segment, update, reader, witness })));
  return {
    damages: [...damages, ...indexer.doubled],
    update,
    flavor: reader.format?.flavor ?? null,
    serverId: reader.format?.serverId ?? null,
    bytes: witness.bytes,
  };
}

interface Reading {
  readonly reader: BinlogReader;
  readonly witness: Witness;
  readonly signal: AbortSignal | undefined;
}

/** @returns what ended the reading early, null when all was read */
async function readAll(segment: ArchivedSegment, { reader, witness, signal }: Reading): Promise<Damage | null> {
  try {
    await using source = await openSegment(segment);
    await feed(witness.watch(source), reader, signal === undefined ? {} : { signal });
    return null;
  } catch (error) {
    throwIfAborted(signal);
    return damageOfFailure(error, { check: 'segment', path: segment.path, offset: reader.offset });
  }
}

function eventDamages({ file, path, state }: ArchivedSegment, reader: BinlogReader, failure: Damage | null): Damage[] {
  const { problems } = failure === null ? reader.finish() : reader;
  const damages: Damage[] = [];
  // What the source told of is in the ledger, or an incident.
  for (const { kind, offset, problem } of problems.filter((one) => !isOfSource(one))) {
    const check = kind === 'torn' && state === 'open' ? 'open segment' : 'segment';
    damages.push({ check, path, offset, found: `at offset ${offset}: ${problem}` });
  }
  const { rotation } = reader.counts;
  if (rotation !== null && rotation.nextFile !== nextFile(file)) {
    const found = `its ROTATE event at offset ${rotation.offset} says that '${rotation.nextFile}' comes next: it is another file`;
    damages.push({ check: 'continuity', path, offset: rotation.offset, found });
  }
  return failure === null ? damages : [...damages, failure];
}

/** What cannot be seen while the bytes go by: that all of them, as stored and as sent, are those that were sealed. */
async function compare(o: {
  segment: ArchivedSegment;
  update: SegmentUpdate | null;
  reader: BinlogReader;
  witness: Witness;
}): Promise<Damage[]> {
  const { segment, update, reader, witness } = o;
  const { manifest, path } = segment;
  if (manifest === null || update === null) return [];
  const sha256 = witness.sha256();
  const found = { digest: update.digest, bytes: witness.bytes, sha256, end: reader.counts.end };
  const damages = compareManifest(manifest, found, {
    segment: path,
    manifest: join(dirname(path), manifestName(segment.file)),
  });
  if (damages.length > 0 || manifest.storedSha256 === sha256) return damages;
  try {
    const stored = await hashFile(path);
    if (stored.sha256 === manifest.storedSha256 && stored.bytes === manifest.storedBytes) return [];
    const why = otherHash(stored.sha256, manifest.storedSha256);
    return [{ check: 'segment', path, offset: null, found: `as stored, with ${stored.bytes} bytes, ${why}` }];
  } catch (error) {
    return [damageOfFailure(error, { check: 'segment', path, offset: null })];
  }
}

/** Where the first event's flags begin. */
const FLAGS_OFFSET = FIRST_EVENT_OFFSET + 17;

/** Sees every plain byte on its way to the reader. */
class Witness {
  bytes = 0;
  readonly #hash: Hash | null;
  readonly #onBytes: ((bytes: number) => void) | undefined;
  #inUse = false;

  constructor(options: { hashed: boolean; onBytes: ((bytes: number) => void) | undefined }) {
    this.#hash = options.hashed ? createHash('sha256') : null;
    this.#onBytes = options.onBytes;
  }

  watch(source: ByteSource): ByteSource {
    return {
      read: async (target, at) => {
        const got = await source.read(target, at);
        this.#see(target.subarray(at, at + got));
        return got;
      },
    };
  }

  #see(bytes: Buffer): void {
    this.#hash?.update(bytes);
    const flags = FLAGS_OFFSET - this.bytes;
    if (flags >= 0 && flags < bytes.length) this.#inUse = ((bytes[flags] ?? 0) & EVENT_FLAG.BINLOG_IN_USE) !== 0;
    this.bytes += bytes.length;
    this.#onBytes?.(bytes.length);
  }

  sha256(): string {
    return this.#hash?.digest('hex') ?? '';
  }

  /** The one flag that no CRC covers. */
  damages(path: string): Damage[] {
    if (!this.#inUse) return [];
    const found = `at offset ${FIRST_EVENT_OFFSET}: the first event has its IN_USE flag set, which no archived file has`;
    return [{ check: 'segment', path, offset: FIRST_EVENT_OFFSET, found }];
  }
}
