/**
 * The primary as a place where tables are defined. Enters: the incident, a connection on which the definitions were just read. Leaves:
 * what the archived log says happened to the tables from the incident to that moment.
 */
import { compareCoordinates, formatCoordinates, type Coordinates } from '../../binlog/coordinates.ts';
import { openLineageViews } from '../../recovery/lineage-view.ts';
import { pause } from '../../platform/wait.ts';
import { readBinlogEnd } from '../../server/binary-logs.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { archivedTo, readExposure } from '../exposure.ts';
import { isArchiverAlive, type OpenArchive } from '../open-archive.ts';
import { findDefinitionChanges, type LogStretch } from './definition-changes.ts';
import type { EvidenceOptions, PlacedIncident } from './evidence-source.ts';
import type { LiveSource } from './find-definitions.ts';
import { tableKey } from './table-definition.ts';

/** An archiver at work is a second behind, seldom more. */
const PATIENCE_MS = 10_000;
const POLL_MS = 100;

type WaitOptions = Pick<EvidenceOptions, 'log' | 'signal' | 'patienceMs'>;

/** The primary as a source of definitions. Waits for an archiver at work, which others keep busy. */
export function primaryDefinitions(
  archive: OpenArchive,
  placed: PlacedIncident,
  { live: open, ...options }: WaitOptions & { readonly live: NonNullable<EvidenceOptions['live']> },
): LiveSource {
  const { file, start: position } = placed.incident;
  return {
    open,
    changes: async (tables, connection) => {
      const to = await new Present(archive, placed, connection).reach(options);
      if (typeof to === 'string') return new Map(tables.map((table) => [tableKey(table), to]));
      const log = await logUpTo(archive, placed, to);
      return await findDefinitionChanges({ ...log, from: { file, position }, to, signal: options.signal }, tables);
    },
  };
}

/** The archiver goes on: what was listed when the command began may end before. */
async function logUpTo(
  archive: OpenArchive,
  { view, segments }: PlacedIncident,
  to: Coordinates,
): Promise<Pick<LogStretch, 'view' | 'segments'>> {
  const known = view.segments.at(-1)?.digest;
  if (known !== undefined && compareCoordinates({ file: known.file, position: known.indexedTo }, to) >= 0)
    return { view, segments };
  const views = await openLineageViews(archive);
  const now = views.find(({ lineage }) => lineage.id === view.lineage.id) ?? view;
  return { view: now, segments: await archive.repository.segments(view.lineage.id) };
}

/** Where the primary stands, and whether the archive holds its log up to there. */
class Present {
  readonly #archive: OpenArchive;
  readonly #lineage: PlacedIncident['view']['lineage'];
  readonly #connection: ServerConnection;

  constructor(archive: OpenArchive, { view }: PlacedIncident, connection: ServerConnection) {
    this.#archive = archive;
    this.#lineage = view.lineage;
    this.#connection = connection;
  }

  /** Where the log may end; in words, why the archive does not hold it up to there. @throws LastgoodError `INTERRUPTED` */
  async reach(options: WaitOptions): Promise<Coordinates | string> {
    const { coordinates: present } = await readBinlogEnd(this.#connection);
    const before = await this.#look(present);
    if (before !== null) return before;
    const isAtWork = await this.#waitForArchiver(present, options);
    const after = await this.#look(present);
    if (after !== null) return after;
    if (!isAtWork) return 'the archive does not reach the present: archive to the end, then ask again';
    const { patienceMs = PATIENCE_MS } = options;
    return `the archive does not reach ${formatCoordinates(present)}, where the primary stood ${patienceMs / 1000} s ago: look at the archiver's log, then ask again`;
  }

  /** null: what the primary wrote last is not archived. */
  async #look(present: Coordinates): Promise<Coordinates | string | null> {
    const end = archivedTo(this.#archive.catalog, this.#lineage);
    if (end === null) return 'the archive is empty';
    const { exposure, findings } = await readExposure(this.#connection.options, end);
    const finding = findings.find(({ severity }) => severity === 'error') ?? findings[0];
    if (exposure.seconds === null) return finding?.found ?? 'it is not known whether the archive reaches the present';
    if (compareCoordinates(end, present) >= 0) return present;
    return exposure.seconds === 0 && exposure.groups === 0 ? end : null;
  }

  /** @returns false when no archiver is at work, or not any more */
  async #waitForArchiver(
    present: Coordinates,
    { log, signal, patienceMs = PATIENCE_MS }: WaitOptions,
  ): Promise<boolean> {
    const { repository } = this.#archive;
    const { id, name } = this.#lineage;
    if (!(await isArchiverAlive(repository, name))) return false;
    log.info(
      { lineage: id, upTo: formatCoordinates(present) },
      'waiting until the archive holds what was just written',
    );
    const deadline = performance.now() + patienceMs;
    while (!this.#holds(present) && performance.now() < deadline) {
      await pause(POLL_MS, signal);
      if (!(await isArchiverAlive(repository, name))) return false;
    }
    return true;
  }

  /** The archiver writes to the catalog what is durable. */
  #holds(present: Coordinates): boolean {
    const end = archivedTo(this.#archive.catalog, this.#lineage);
    return end !== null && compareCoordinates(end, present) >= 0;
  }
}
