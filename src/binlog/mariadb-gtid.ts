import { LastgoodError } from '../platform/errors.ts';
import type { Gtid, GtidState } from './gtid.ts';

/** A MariaDB GTID. `sequence` is 64 bits on the server, here exact up to 2^53. */
export interface MariadbGtid {
  readonly flavor: 'mariadb';
  readonly domain: number;
  readonly server: number;
  readonly sequence: number;
}

/** Writes `0-1-4711`. */
export function formatMariadbGtid({ domain, server, sequence }: MariadbGtid): string {
  return `${domain}-${server}-${sequence}`;
}

/** Parses `0-1-4711`. @throws LastgoodError `GTID_INVALID` */
export function parseMariadbGtid(text: string): MariadbGtid {
  const match = /^(\d+)-(\d+)-(\d+)$/.exec(text.trim());
  const [domain, server, sequence] = (match?.slice(1) ?? []).map(Number);
  if (domain === undefined || server === undefined || sequence === undefined || !Number.isSafeInteger(sequence)) {
    throw new LastgoodError('GTID_INVALID', `cannot read MariaDB GTID '${text}'`);
  }
  if (domain > 0xffffffff || server > 0xffffffff) {
    throw new LastgoodError('GTID_INVALID', `domain or server id is over 32 bits in '${text}'`);
  }
  return { flavor: 'mariadb', domain, server, sequence };
}

/** The last GTID of each replication domain. Source: MariaDB manual, "Global Transaction ID". */
export class GtidPosition implements GtidState {
  readonly flavor = 'mariadb';
  readonly #last = new Map<number, MariadbGtid>();

  /** Parses `0-1-4711,1-1-5`; blanks and '' are allowed. @throws LastgoodError `GTID_INVALID` */
  static parse(text: string): GtidPosition {
    const position = new GtidPosition();
    for (const part of text.split(',')) if (part.trim() !== '') position.add(parseMariadbGtid(part));
    return position;
  }

  /** The newest GTID of a domain wins by being added last, as on the server, not by its number. */
  add(gtid: Gtid): void {
    const last = mariadb(gtid);
    this.#last.set(last.domain, last);
  }

  /** True when the domain has reached the sequence number; which server wrote it is not kept for older ones. */
  contains(gtid: Gtid): boolean {
    const { domain, sequence } = mariadb(gtid);
    return (this.#last.get(domain)?.sequence ?? -1) >= sequence;
  }

  /** The last GTID of one domain. */
  last(domain: number): MariadbGtid | undefined {
    return this.#last.get(domain);
  }

  /** Ordered by domain. */
  gtids(): MariadbGtid[] {
    return [...this.#last.values()].sort((a, b) => a.domain - b.domain);
  }

  equals(other: GtidState): boolean {
    return other.flavor === 'mariadb' && other.toString() === this.toString();
  }

  clone(): GtidPosition {
    const copy = new GtidPosition();
    for (const gtid of this.#last.values()) copy.add(gtid);
    return copy;
  }

  toString(): string {
    return this.gtids().map(formatMariadbGtid).join(',');
  }
}

function mariadb(gtid: Gtid): MariadbGtid {
  if (gtid.flavor === 'mariadb') return gtid;
  throw new LastgoodError('GTID_INVALID', 'a MySQL GTID was given where a MariaDB GTID is needed');
}
