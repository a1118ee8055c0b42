import { orClosed, readArchiveEnd, type ArchiveEnd } from '../archive/archive-end.ts';
import { ArchiveWriter } from '../archive/archive-writer.ts';
import { currentLineage, type Lineage } from '../archive/lineage.ts';
import type { PackThread } from '../archive/pack-thread.ts';
import type { Repository } from '../archive/repository.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import { formatCoordinates, nextFile } from '../binlog/coordinates.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { catchUp } from '../catalog/rebuild.ts';
import { isDiskFull } from '../platform/disk-full.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { readBinlogEnd } from '../server/binary-logs.ts';
import { connect, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { checkSource } from './archive-preflight.ts';
import { ArchiveRetries } from './archive-retries.ts';
import { ArchiveSession, confirmEnd, durableEnd, type DurableEnd } from './archive-session.ts';
import { findPlace, type ArchivePlace } from './archive-place.ts';
import { cannotRead, isBrokenOff, lastArchived, passBrokenOff } from './broken-off.ts';
import { HistoryChanges } from './history-changes.ts';
import { PurgeHold } from './purge-hold.ts';
import { checkSemiSync } from './semi-sync.ts';
import { sealLeftLineages } from './seal-left.ts';
import { sealTornFile } from './seal-torn-file.ts';
import { SourcePlace } from './thrown-out.ts';
import { lookAtWaiting } from './waiting-source.ts';
import { bytesFrom, endOfLog, lookAt, type Source } from './source-log.ts';
import type { IncidentAlerts } from './alerts/incident-alerts.ts';
import type { ArchiveOptions, ArchiveResult } from './archive.ts';

/** One run of the archiver: connection after connection, each from where the archive ends. */
export class ArchiveRun {
  readonly #options: ArchiveOptions;
  readonly #repository: Repository;
  readonly #catalog: Catalog;
  readonly #packs: PackThread | null;
  readonly #hold: PurgeHold | null;
  readonly #alerts: IncidentAlerts | null;
  readonly #changes = new HistoryChanges();
  readonly #place: SourcePlace;
  readonly #retries: ArchiveRetries;
  #lineage = '';
  #end: DurableEnd | null = null;
  #bytes = 0;
  #totalBytes = 0;
  #sealed = 0;
  #connections = 0;
  #catalogBehind = false;
  /** The file in whose middle the source said that it cannot read on. */
  #brokenOff: string | null = null;

  constructor(
    options: ArchiveOptions,
    parts: {
      repository: Repository;
      catalog: Catalog;
      packs: PackThread | null;
      hold: PurgeHold | null;
      alerts: IncidentAlerts | null;
    },
  ) {
    this.#options = options;
    this.#repository = parts.repository;
    this.#catalog = parts.catalog;
    this.#packs = parts.packs;
    this.#hold = parts.hold;
    this.#alerts = parts.alerts;
    const { primary, repositoryPath, rivalPauses } = options;
    const { name, serverId } = primary;
    this.#place = new SourcePlace({ source: primary, repositoryPath, name, serverId }, rivalPauses);
    const recordPath = this.#repository.archiverRecordPath(name);
    this.#retries = new ArchiveRetries(options, { place: this.#place, changes: this.#changes, recordPath });
  }

  get result(): ArchiveResult {
    return {
      lineage: this.#lineage,
      file: this.#end?.file ?? '',
      position: this.#end?.indexedTo ?? 0,
      gtid: this.#end?.gtidEnd ?? null,
      bytes: this.#bytes,
      segmentsSealed: this.#sealed,
      reconnects: Math.max(0, this.#connections - 1),
      warnings: this.#changes.losses,
    };
  }

  async untilDone(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      const before = this.#bytes;
      try {
        if (this.#catalogBehind) await this.#catchUp();
        await this.#once();
        return;
      } catch (error) {
        if (isInterruption(error, signal)) return;
        const isFirst = this.#connections === 0;
        await this.#retries.waitAfter(error, { isFruitful: this.#bytes > before, isFirst, end: this.#end });
        this.#catalogBehind ||= isDiskFull(error);
      }
    }
  }

  /** What was archived just before there was no room may have no rows yet. */
  async #catchUp(): Promise<void> {
    const { log, signal } = this.#options;
    await catchUp(this.#repository, this.#catalog, { log, signal, openSegments: 'leave' });
    this.#catalogBehind = false;
  }

  /** One connection: from where the archive ends until the stream ends. */
  async #once(): Promise<void> {
    const { primary, signal, log } = this.#options;
    await using connection = await connect(primary, { ...SHORT_QUESTIONS, bulk: true });
    await checkSource(connection, primary, this.#connections === 0 ? log : null);
    await this.#place.check(connection, { isNew: await this.#isNew() });
    const semiSync = this.#options.archive.semiSync && !this.#options.untilCurrent; // who leaves at once lets nobody wait
    const source = await this.#lookAt(connection, { semiSync });
    const session = new ArchiveSession(
      this.#options.untilCurrent ? (await readBinlogEnd(connection)).coordinates : null,
    );
    const { lineage, end, start } = await this.#findPlace(source);
    this.#lineage = lineage.id;
    this.#end = durableEnd(end);
    this.#hold?.need(start.file, source.identity);
    const writer = this.#writer(end, { lineage, source, session });
    const streamed = async (): Promise<void> => {
      this.#totalBytes = this.#bytes + bytesFrom(source, start);
      this.#connections += 1;
      log.info({ lineage: lineage.id, from: formatCoordinates(start) }, 'streaming');
      await this.#retries.streaming();
      const { tail } = end;
      if (tail !== null && start.file === tail.file && start.position === tail.from) writer.expect(tail);
      const { heartbeatMs, watch } = this.#options;
      const streaming = { archiver: this.#place.archiver, semiSync, heartbeatMs, watch, log, signal };
      await session.run({ connection, writer, start, archived: this.#end, identity: source.identity, ...streaming });
    };
    try {
      // Of two failures the writer's counts: the stream's may be only that the source hung up behind wrong bytes.
      await streamed().finally(() => writer.finish());
    } catch (thrown) {
      const error = this.#place.explain(thrown);
      this.#changes.ended(lineage.id, error);
      if (isBrokenOff(error)) this.#brokenOff = this.#end?.file ?? null;
      throw error;
    }
  }

  /** Takes what one connection brings. */
  #writer(
    end: ArchiveEnd,
    { lineage, source, session }: { lineage: Lineage; source: Source; session: ArchiveSession },
  ): ArchiveWriter {
    const { primary, archive, signal, log } = this.#options;
    const writer: ArchiveWriter = new ArchiveWriter(
      {
        repository: this.#repository,
        lineage,
        sync: archive.sync,
        packs: this.#packs,
        confirmEnd: (left) => confirmEnd(writer, { ...left, source: primary, identity: source.identity, signal }),
        onDurable: (update) => {
          this.#record(lineage, update);
          this.#advance(update.digest);
          session.advance(update.digest);
        },
        onAcknowledge: (upTo) => {
          session.acknowledge(upTo);
        },
        onPressure: (high) => {
          session.throttle(high);
        },
        onSealed: ({ file, bytes, groups, ended }) => {
          this.#sealed += 1;
          this.#hold?.need(nextFile(file), source.identity);
          log.info({ file, bytes, groups, ended }, 'segment sealed');
        },
        onSourceIncident: this.#changes.incidentListener(log),
      },
      end,
    );
    return writer;
  }

  async #lookAt(connection: ServerConnection, { semiSync }: { semiSync: boolean }): Promise<Source> {
    const { primary } = this.#options;
    if (!semiSync) return await lookAt(connection, primary);
    await this.#checkSemiSync(connection);
    return await lookAtWaiting(connection, { primary, repository: this.#repository });
  }

  /** Nothing is archived yet. */
  async #isNew(): Promise<boolean> {
    if (this.#connections > 0) return false;
    return currentLineage(await this.#repository.lineages(), this.#options.primary.name) === null;
  }

  /** Where to go on; in a new lineage when the source has another history. */
  async #findPlace(source: Source): Promise<ArchivePlace> {
    const { signal, log, newLineage } = this.#options;
    const place = await findPlace(source, {
      repository: this.#repository,
      readEnd: async (lineage) => await this.#readEnd(lineage, source),
      contradiction: (lineage) => this.#changes.contradiction(lineage),
      // Only where the archive stood at the start: what breaks off later is for a person to look at first.
      pass: async (end) =>
        newLineage === true && this.#bytes === 0 && lastArchived(end) === this.#brokenOff
          ? await passBrokenOff(end, source, cannotRead.bind(null, source))
          : null,
      onLeaving: (lineage, { open }) => {
        this.#changes.checkRate(lineage);
        const update = open?.update() ?? null;
        if (update !== null) this.#record(lineage, update);
      },
      takeUnrelated: newLineage === true && this.#connections === 0,
      signal,
    });
    this.#changes.changed(place, log);
    if (place.left !== null) this.#brokenOff = null; // a name of the old log
    if (place.left !== null || this.#connections === 0) await orClosed(place.end, () => this.#sealLeft());
    this.#alerts?.streaming(place.lineage, { start: place.start, target: endOfLog(source) ?? place.start });
    return place;
  }

  async #sealLeft(): Promise<void> {
    const { primary, signal, log } = this.#options;
    await sealLeftLineages(this.#repository, primary.name, {
      packs: this.#packs,
      signal,
      log,
      onSealed: this.#record.bind(this),
      onSourceIncident: this.#changes.incidentListener(log),
    });
  }

  /** A promise that cannot be kept stops a start; under way, archiving without waiting commits is better than not at all. */
  async #checkSemiSync(connection: ServerConnection): Promise<void> {
    try {
      await checkSemiSync(connection);
    } catch (error) {
      if (this.#connections === 0 || !isLastgoodError(error, 'PREFLIGHT_FAILED')) throw error;
      this.#options.log.error(
        { error: error.message, hint: error.hint },
        'commits on the source do not wait for the archive',
      );
    }
  }

  /** Where the archive ends; past a file that the source itself cannot read to its end, once that is certain. */
  async #readEnd(lineage: Lineage, source: Source): Promise<ArchiveEnd> {
    const { signal, log } = this.#options;
    const end = await readArchiveEnd(this.#repository, lineage, signal);
    if (end.missing.length > 0)
      log.error({ lineage: lineage.id, missing: end.missing }, 'segments are missing in the archive');
    if (end.damage !== null)
      log.error({ error: end.damage.error.message, from: end.open?.size ?? 0 }, 'fetching damaged bytes again');
    if (end.open === null || end.open.file !== this.#brokenOff) return end;
    const torn = await sealTornFile(end, source, {
      repository: this.#repository,
      lineage,
      packs: this.#packs,
      onSourceIncident: this.#changes.incidentListener(log),
      log,
    });
    if (torn === null) return end;
    this.#record(lineage, torn.update);
    this.#sealed += 1;
    return torn.end;
  }

  #record(lineage: Lineage, update: SegmentUpdate): void {
    try {
      this.#catalog.record(lineage, update);
    } catch (error) {
      this.#alerts?.missed(lineage, update); // a sealed segment does not come again
      throw error;
    }
    this.#alerts?.take(lineage, update);
  }

  #advance(digest: DurableEnd): void {
    const from = this.#end?.file === digest.file ? this.#end.indexedTo : 0;
    this.#end = digest;
    this.#bytes += digest.indexedTo - from;
    if (digest.indexedTo > from) this.#changes.confirmed();
    this.#options.progress?.(this.#bytes, this.#totalBytes);
  }
}

/** Told to stop in the middle of something that can be given up, such as reading the archive's end. */
function isInterruption(error: unknown, { aborted }: AbortSignal): boolean {
  return aborted && (isLastgoodError(error, 'INTERRUPTED') || (error instanceof Error && error.name === 'AbortError'));
}
