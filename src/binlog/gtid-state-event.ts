import { encodeEvent } from './event-encoder.ts';
import { EVENT, EVENT_FLAG } from './event-type.ts';
import type { FormatDescription } from './format-description.ts';
import type { GtidState } from './gtid.ts';
import { GtidPosition } from './mariadb-gtid.ts';
import { GtidSet, type GtidIntervals } from './mysql-gtid.ts';

const NUMBER_BYTES = 8;
const MARIADB_GTID_BYTES = 16;
/** An empty list is padded to so many bytes, as its server does. Seen in files of 10.5 and 10.11. */
const SHORTEST_GTID_LIST = 6;
const TAGGED = 1;

/**
 * Writes the event that says which GTIDs stand before a file's first group, as the source of `format` would:
 * GTID_LIST (MariaDB) or PREVIOUS_GTIDS (MySQL). `parseGtidList` and `parsePreviousGtids` read it back. A server of
 * MariaDB lists also what older servers wrote in a domain; a position has the newest only, and readers want no more.
 *
 * @param endPosition where the event says that it ends, bytes
 */
export function encodeGtidState(state: GtidState, format: FormatDescription, endPosition: number): Buffer {
  const { time, serverId } = format;
  const { type, flags, body } = contentOf(state);
  return encodeEvent({ time, serverId, type, flags, endPosition }, body, format.checksum === 'crc32');
}

function contentOf(state: GtidState): { type: number; flags: number; body: Buffer } {
  if (state instanceof GtidSet) {
    return { type: EVENT.PREVIOUS_GTIDS, flags: EVENT_FLAG.IGNORABLE, body: previousGtids(state) };
  }
  const position = state instanceof GtidPosition ? state : GtidPosition.parse(state.toString());
  return { type: EVENT.GTID_LIST, flags: 0, body: gtidList(position) };
}

/** count 4, then domain 4, server 4, sequence 8 each. Source: MariaDB 10.11 sql/log_event.h, Gtid_list_log_event. */
function gtidList(position: GtidPosition): Buffer {
  const gtids = position.gtids();
  const body = Buffer.alloc(Math.max(SHORTEST_GTID_LIST, 4 + MARIADB_GTID_BYTES * gtids.length));
  body.writeUInt32LE(gtids.length);
  gtids.forEach(({ domain, server, sequence }, index) => {
    const at = 4 + MARIADB_GTID_BYTES * index;
    body.writeUInt32LE(domain, at);
    body.writeUInt32LE(server, at + 4);
    body.writeBigUInt64LE(BigInt(sequence), at + 8);
  });
  return body;
}

/**
 * count 8, then each uuid 16, (tagged format: tag), interval count 8, intervals of first 8 and end 8. Only a set
 * with tags is written in the tagged format, whose number stands at both ends of the count.
 * Source: MySQL 9 sql/rpl_gtid_set.cc, encode_nsids_format and Gtid_set::encode; a file of MySQL 9.6.0.
 */
function previousGtids(set: GtidSet): Buffer {
  const entries = set.entries();
  const tagged = entries.some(({ tag }) => tag !== '');
  const count = Buffer.alloc(NUMBER_BYTES);
  count.writeUInt32LE(entries.length, tagged ? 1 : 0);
  if (tagged) count.writeUInt8(TAGGED, 0);
  if (tagged) count.writeUInt8(TAGGED, NUMBER_BYTES - 1);
  return Buffer.concat([count, ...entries.flatMap((entry) => encodeIntervals(entry, tagged))]);
}

function encodeIntervals({ uuid, tag, intervals }: GtidIntervals, tagged: boolean): Buffer[] {
  const numbers = [intervals.length, ...intervals.flatMap(({ first, end }) => [first, end])];
  const bytes = Buffer.alloc(NUMBER_BYTES * numbers.length);
  numbers.forEach((number, index) => bytes.writeBigUInt64LE(BigInt(number), NUMBER_BYTES * index));
  const name = tagged ? [Buffer.from([tag.length << 1]), Buffer.from(tag, 'latin1')] : [];
  return [Buffer.from(uuid.replaceAll('-', ''), 'hex'), ...name, bytes];
}
