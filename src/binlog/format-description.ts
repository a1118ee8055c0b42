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
  readonly serverId: number;
  /** Bytes of the whole event. */
  readonly length: number;
}
