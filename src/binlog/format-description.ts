import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { Flavor } from './gtid.ts';

/** How the events of one file are written: the content of its FORMAT_DESCRIPTION event. */
export interface FormatDescription {
  readonly serverVersion: string;
  readonly flavor: Flavor;
  /** Seconds since 1970 in the event's header: when the file was opened. */
  readonly time: number;
  /** Seconds since 1970 of the server start that opened the file; 0 when it followed a rotation. */
  readonly createdAt: number;
  /** 'crc32': every event ends in its CRC32. */
  readonly checksum: 'crc32' | 'none';
  /** True when the event has an algorithm byte and, whatever the algorithm, its own CRC32. */
  readonly checksumAware: boolean;
  readonly serverId: number;
  /** Bytes of the whole event. */
  readonly length: number;
  /** True for a replica's relay log, whose end positions count in another file. */
  readonly relayLog: boolean;
}

const SERVER_VERSION_BYTES = 50;
/** binlog version 2, server version 50, created 4, header length 1. */
const FIXED_BYTES = 57;
const CRC32_ALGORITHM = 1;
/** With one byte for each of the 27 event types of MySQL 5.5: a longer one whose version says older is damaged. */
const LONGEST_WITHOUT_CHECKSUM = EVENT_HEADER_BYTES + FIXED_BYTES + 27;

/**
 * Parses a whole FORMAT_DESCRIPTION event; null when the bytes are none of binlog version 4.
 * Source: MySQL 8.4 source docs, mysql::binlog::event::Format_description_event.
 */
export function parseFormatDescription(event: Buffer): FormatDescription | null {
  const body = EVENT_HEADER_BYTES;
  if (event.length < body + FIXED_BYTES || event.readUInt16LE(body) !== 4) return null;
  const versionBytes = event.subarray(body + 2, body + 2 + SERVER_VERSION_BYTES);
  const terminator = versionBytes.indexOf(0);
  const serverVersion = versionBytes.toString('latin1', 0, terminator === -1 ? undefined : terminator);
  if (event[body + 56] !== EVENT_HEADER_BYTES) return null;
  const checksumAware = hasChecksumByte(serverVersion) || event.length > LONGEST_WITHOUT_CHECKSUM;
  const algorithm = checksumAware ? event[event.length - 5] : 0;
  return {
    serverVersion,
    flavor: flavorOf(serverVersion),
    time: event.readUInt32LE(0),
    createdAt: event.readUInt32LE(body + 52),
    checksum: algorithm === CRC32_ALGORITHM ? 'crc32' : 'none',
    checksumAware,
    serverId: event.readUInt32LE(5),
    length: event.length,
    relayLog: (event.readUInt16LE(17) & 0x40) !== 0,
  };
}

/** Decided by the word, never by the number: MySQL has versions above 10 too. */
export function flavorOf(serverVersion: string): Flavor {
  return /mariadb/i.test(serverVersion) ? 'mariadb' : 'mysql';
}

/** Source: MySQL 5.6.1 and MariaDB 5.3.0 release notes; sql/log_event.cc, checksum_version_split_*. */
function hasChecksumByte(serverVersion: string): boolean {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(serverVersion)?.slice(1) ?? []).map(Number);
  const first = flavorOf(serverVersion) === 'mariadb' ? 50_300 : 50_601;
  return major * 10_000 + minor * 100 + patch >= first;
}
