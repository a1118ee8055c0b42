import type { ByteSource } from '../binlog/read-binlog.ts';
import type { Flavor } from '../binlog/gtid.ts';

/**
 * `[from, to)` of one binary log file, both at event boundaries: what an archive server offers. `to` is Infinity for a file that
 * is made while it is read: it ends where its source does.
 */
export interface ServedRange {
  /** What clients know it by: ranges of two files never share a name, whatever the files are called. */
  readonly file: string;
  readonly from: number;
  readonly to: number;
  /** The file's plain bytes from `offset`; opened once for each client. */
  open(offset: number): Promise<ByteSource & AsyncDisposable>;
  /** The file's whole FORMAT_DESCRIPTION event, CRC included where it has one. */
  readonly formatEvent: Buffer;
  readonly checksum: 'crc32' | 'none';
  /** Groups between its ends that are not sent: starts and ends in turns, in bytes of the file, in order. Many small ones cost nothing. */
  readonly leftOut?: Float64Array | undefined;
}

/** Who the archive server says it is: the server whose log it holds. */
export interface ServedIdentity {
  readonly flavor: Flavor;
  /** As FORMAT_DESCRIPTION events give it, for example `10.11.19-MariaDB-log`. */
  readonly serverVersion: string;
  /** Must differ from the id of any replica that connects. */
  readonly serverId: number;
  /** MySQL only; a replica refuses its own. */
  readonly serverUuid?: string;
  /** MySQL only: the GTID_MODE under which the log was written. */
  readonly gtidMode?: string;
  /** GTID state before the first range, as the server writes it; null when not known. */
  readonly gtidState: string | null;
}

/** All that an archive server has to offer. */
export interface ServedLog {
  readonly identity: ServedIdentity;
  /** In the order in which they are sent; nothing outside them ever is. Between two of one file groups are left out. */
  readonly ranges: readonly ServedRange[];
  /** Ends the search for what a client has: it has left. */
  readonly signal?: AbortSignal;
}
