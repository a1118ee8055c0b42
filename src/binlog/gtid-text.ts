import type { Flavor, Gtid, GtidState } from './gtid.ts';
import { formatMariadbGtid, GtidPosition, parseMariadbGtid } from './mariadb-gtid.ts';
import { formatMysqlGtid, GtidSet, parseMysqlGtid } from './mysql-gtid.ts';

/** Parses a GTID of either flavor: the two forms cannot be mistaken. @throws LastgoodError `GTID_INVALID` */
export function parseGtid(text: string): Gtid {
  return text.includes(':') ? parseMysqlGtid(text) : parseMariadbGtid(text);
}

/** Writes a GTID as its server does. */
export function formatGtid(gtid: Gtid): string {
  return gtid.flavor === 'mariadb' ? formatMariadbGtid(gtid) : formatMysqlGtid(gtid);
}

/** Parses a GTID position (MariaDB) or set (MySQL). @throws LastgoodError `GTID_INVALID` */
export function parseGtidState(flavor: Flavor, text: string): GtidState {
  return flavor === 'mariadb' ? GtidPosition.parse(text) : GtidSet.parse(text);
}
