/**
 * What must not be deleted. Enters: a pin, or its end. Leaves: the pins that hold, which whoever deletes anything has to read
 * first, and to respect. The file is part of the archive's truth: a catalog that is made anew knows nothing of it.
 */
import { LineFile } from './line-file.ts';

/** Files `from` to `to`, both included, of one lineage. */
export interface PinnedFiles {
  readonly lineage: string;
  readonly from: string;
  readonly to: string;
}

/** A backup and the segments that a restore from it needs. */
export interface Pin {
  /** Of the incident or of the backup that was named. */
  readonly id: string;
  /** The incident that a restore must reach the moment before; null when only a backup is pinned. */
  readonly incident: string | null;
  /** Backup id. */
  readonly backup: string;
  readonly segments: readonly PinnedFiles[];
  readonly reason: string;
  /** 'archiver': at the moment of the incident, by itself. */
  readonly by: 'archiver' | 'user';
  /** RFC 3339, UTC. */
  readonly since: string;
}

/** One line of `pins.jsonl`. */
type PinLine = (Pin & { readonly kind: 'pin' }) | { readonly kind: 'unpin'; readonly id: string; readonly at: string };

/** The pins of a repository. Lines are only added: the last one about an id holds. */
export class Pins {
  readonly #file: LineFile<PinLine>;

  constructor(path: string) {
    this.#file = new LineFile({ path, name: 'list of pins', isEntry });
  }

  /** Pins, in the place of a pin that there is of the same id. Durable when it returns. @throws as `Ledger.record` */
  async pin(pin: Pin): Promise<void> {
    await this.#file.add({ kind: 'pin', ...pin }, () => false);
  }

  /** The same, unless the id was ever pinned: what a person let go of stays so. @returns whether it is pinned by this */
  async pinOnce(pin: Pin): Promise<boolean> {
    return await this.#file.add({ kind: 'pin', ...pin }, (lines) => lines.some(({ id }) => id === pin.id));
  }

  /** Ends a pin. @returns it; null when there is none @throws as `held` */
  async unpin(id: string, at: string): Promise<Pin | null> {
    const pin = (await this.held()).find((held) => held.id === id) ?? null;
    if (pin !== null) await this.#file.add({ kind: 'unpin', id, at }, () => false);
    return pin;
  }

  /**
   * Pins that hold, in the order they were made.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, also for a damaged line: who would delete something then must not
   */
  async held(): Promise<Pin[]> {
    return heldOf(await this.#file.entries());
  }

  /** The pins of the good lines, and one sentence for each bad one. @throws LastgoodError `REPOSITORY_UNREADABLE` */
  async read(): Promise<{ pins: Pin[]; problems: readonly string[] }> {
    const { entries, problems } = await this.#file.read();
    return { pins: heldOf(entries), problems };
  }
}

function heldOf(lines: readonly PinLine[]): Pin[] {
  const held = new Map<string, Pin>();
  for (const line of lines) {
    held.delete(line.id);
    if (line.kind === 'unpin') continue;
    const { kind: _, ...pin } = line;
    held.set(line.id, pin);
  }
  return [...held.values()];
}

function isEntry(record: object): record is PinLine {
  const { kind, id, backup, segments } = record as Partial<Record<'kind' | 'id' | 'backup' | 'segments', unknown>>;
  if (typeof id !== 'string') return false;
  return kind === 'unpin' || (kind === 'pin' && typeof backup === 'string' && Array.isArray(segments));
}
