import { FIRST_EVENT_OFFSET, MAX_ASKABLE_POSITION } from '../binlog/coordinates.ts';
import type { FormatDescription } from '../binlog/format-description.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { Group, SourceNote } from '../binlog/group.ts';
import { IncidentFinder } from '../incident/finder.ts';
import { FindingVisitor } from '../incident/finding-visitor.ts';
import type { Incident, LastGood } from '../incident/incident.ts';
import type { LoopPiece } from '../incident/loop-borders.ts';
import type { Settlement } from '../incident/settlement.ts';
import { formatSeconds } from '../platform/time.ts';
import { CheckpointCollector, type Checkpoint } from './checkpoint.ts';
import type { GroupMark, SegmentDigest } from './manifest.ts';

/** What reading a segment, or some more of it, gave. */
export interface SegmentUpdate {
  /** Of the whole file up to `indexedTo`. */
  readonly digest: SegmentDigest;
  readonly state: 'open' | 'sealed';
  /** New ones since the last update. */
  readonly checkpoints: readonly Checkpoint[];
  readonly incidents: readonly Incident[];
  /** Ends of what an incident began, here or in an earlier file: `settle` puts them together. */
  readonly settlements: readonly Settlement[];
  /** Loops of deletes that the files beside may have more of, of the whole file up to `indexedTo`; left out when there are none. */
  readonly loops?: readonly LoopPiece[];
}

/** Bytes `[start, end)` of one file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a reader of the file's events has counted so far; `wholeTo` becomes the digest's `indexedTo`. */
export interface ReadingCounts {
  readonly gtidStart: GtidState | null;
  readonly gtidEnd: GtidState | null;
  readonly groups: number;
  readonly events: number;
  readonly wholeTo: number;
}

/** Turns the groups of one segment, read from its first byte, into its digest, checkpoints and incidents. */
export class SegmentIndexer extends FindingVisitor {
  readonly #file: string;
  readonly #collector = new CheckpointCollector();
  /** By their id: one that goes on takes its own place. */
  readonly #incidents: Map<string, Incident>;
  readonly #settlements: Settlement[];
  #sourceIncidents: ByteRange[] = [];
  #format: FormatDescription | null = null;
  #first: Group | null = null;
  #last: Group | null = null;
  #lastAskable = FIRST_EVENT_OFFSET;
  #minTime = Infinity;
  #maxTime = -Infinity;
  /** A group without a GTID was in the file: its server writes both kinds. */
  hasAnonymous = false;

  /** @param options.last the newest group of the lineage before this file */
  constructor(options: { lineage: string; file: string; last: LastGood | null }) {
    const incidents = new Map<string, Incident>();
    const settlements: Settlement[] = [];
    const keep = (incident: Incident): unknown => incidents.set(incident.id, incident);
    const settled = (settlement: Settlement): unknown => settlements.push(settlement);
    super(new IncidentFinder({ lineage: options.lineage, last: options.last, found: keep, grown: keep, settled }));
    this.#file = options.file;
    this.#incidents = incidents;
    this.#settlements = settlements;
    this.#collector.enterFile(options.file);
  }

  format(format: FormatDescription): void {
    this.#format = format;
    this.finder.enterFile(this.#file, format);
  }

  override group(group: Group, before: GtidState | null): void {
    this.#collector.group(group, () => before?.toString() ?? null);
    super.group(group, before);
    this.#first ??= group;
    this.#last = group;
    if (group.gtid === null) this.hasAnonymous = true;
    if (group.start <= MAX_ASKABLE_POSITION) this.#lastAskable = group.start;
    if (group.time < this.#minTime) this.#minTime = group.time;
    if (group.time > this.#maxTime) this.#maxTime = group.time;
  }

  /** The last place between groups that a source can be asked for. */
  get lastAskable(): number {
    return this.#lastAskable;
  }

  override sourceIncident(start: number, end: number, note: SourceNote): void {
    this.#sourceIncidents.push({ start, end });
    super.sourceIncident(start, end, note);
  }

  /** INCIDENT events since the last call. */
  takeSourceIncidents(): ByteRange[] {
    return this.#sourceIncidents.splice(0);
  }

  /** Checkpoints and incidents since the last call, with the digest of all so far; null before the file has said its format. */
  update(counts: ReadingCounts, state: SegmentUpdate['state']): SegmentUpdate | null {
    const digest = this.digest(counts);
    if (digest === null) return null;
    const incidents = [...this.#incidents.values()];
    const settlements = this.#settlements.splice(0);
    this.#incidents.clear();
    const loops = this.finder.loopPieces;
    const found = { incidents, settlements, ...(loops.length === 0 ? {} : { loops }) };
    return { digest, state, checkpoints: this.#collector.drain(), ...found };
  }

  digest(counts: ReadingCounts): SegmentDigest | null {
    if (this.#format === null) return null;
    return {
      file: this.#file,
      gtidStart: counts.gtidStart?.toString() ?? null,
      gtidEnd: counts.gtidEnd?.toString() ?? null,
      first: this.#first === null ? null : markOf(this.#first),
      last: this.#last === null ? null : markOf(this.#last),
      minTime: this.#first === null ? null : this.#minTime,
      maxTime: this.#first === null ? null : this.#maxTime,
      groups: counts.groups,
      events: counts.events,
      indexedTo: counts.wholeTo,
      checksum: this.#format.checksum,
      serverVersion: this.#format.serverVersion,
      openedAt: this.#format.time,
    };
  }
}

function markOf(group: Group): GroupMark {
  const { start, end, gtid, time } = group;
  return { gtid: gtid === null ? null : formatGtid(gtid), start, end, time: formatSeconds(time) };
}

/** The newest group up to the end of a segment: its own last, or the one before it. */
export function lastGoodOf(digest: SegmentDigest, before: LastGood | null): LastGood | null {
  if (digest.last === null) return before;
  const { gtid, end, time } = digest.last;
  return { gtid, file: digest.file, end, time };
}
