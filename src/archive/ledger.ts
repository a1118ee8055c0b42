import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';

/** Bytes known to be missing from a lineage: from just after what is archived up to where the source goes on. */
export interface Gap {
  readonly kind: 'gap';
  readonly lineage: string;
  /** FILE:POSITION. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
  /** RFC 3339, UTC: when it was noticed. */
  readonly noticedAt: string;
}

/** Losses, one JSON document a line. Lines are added and never changed or removed. */
export class Ledger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds a gap; the same gap noticed again is not written twice. Durable when it returns. */
  async record(gap: Gap): Promise<void> {
    const text = await this.#wholeLines();
    const known = this.#parse(text);
    if (known.some(({ lineage, from, to }) => lineage === gap.lineage && from === gap.from && to === gap.to)) return;
    try {
      await using file = await open(this.#path, 'a', 0o600);
      await file.truncate(Buffer.byteLength(text));
      await file.appendFile(`${JSON.stringify(gap)}\n`);
      await file.sync();
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  /** Every gap in the order it was noticed. @throws LastgoodError `REPOSITORY_UNREADABLE` for a line that is no gap */
  async gaps(): Promise<Gap[]> {
    return this.#parse(await this.#wholeLines());
  }

  /** A last line without its end was torn by a crash while being added, before anyone relied on it. */
  async #wholeLines(): Promise<string> {
    try {
      const text = await readFile(this.#path, 'utf8');
      return text.slice(0, text.lastIndexOf('\n') + 1);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
      throw this.#unreadable(cause);
    }
  }

  #parse(text: string): Gap[] {
    try {
      const lines = text.split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as Gap);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  #unreadable(cause: unknown): LastgoodError {
    return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read the ledger '${this.#path}'`, { cause });
  }
}
