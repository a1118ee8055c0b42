import type { MariadbGtid } from './mariadb-gtid.ts';
import type { MysqlGtid } from './mysql-gtid.ts';

export type Flavor = 'mysql' | 'mariadb';

export type Gtid = MariadbGtid | MysqlGtid;

/**
 * What has been executed: a MySQL GTID set or a MariaDB GTID position. Two types behind one shape; a state of
 * one flavor refuses GTIDs of the other with `GTID_INVALID`.
 */
export interface GtidState {
  readonly flavor: Flavor;
  add(gtid: Gtid): void;
  contains(gtid: Gtid): boolean;
  equals(other: GtidState): boolean;
  clone(): GtidState;
  /** As the server writes it: `0-1-4711,1-1-5` or `uuid:1-5:7,uuid2:tag:1`. '' is nothing executed. */
  toString(): string;
}
