import type { Coordinates } from '../binlog/coordinates.ts';

/** A client of the archive server, as it is known so far. */
export interface ArchiveClient {
  /** Its connection's number. */
  readonly id: number;
  readonly address: string | null;
  /** Its own; null for one that did not register as a replica. */
  serverId: number | null;
  /** From where it wants the log, in words. */
  asked: string | null;
  /** Why it was not served, in words. */
  refusal: string | null;
  /** Where it stands when it has applied all that was handed to its connection; null before it was sent any. */
  reached(): Coordinates | null;
}
