import type { PasswordPlugin } from './password-proof.ts';

/** Capability bits of a connection. Source: MariaDB 10.11 include/mysql_com.h. */
const CAPABILITY = {
  LONG_PASSWORD: 0x1,
  CONNECT_WITH_DB: 0x8,
  PROTOCOL_41: 0x200,
  SSL: 0x800,
  TRANSACTIONS: 0x2000,
  SECURE_CONNECTION: 0x8000,
  PLUGIN_AUTH: 0x80000,
} as const;

const OFFERED =
  CAPABILITY.LONG_PASSWORD |
  CAPABILITY.CONNECT_WITH_DB |
  CAPABILITY.PROTOCOL_41 |
  CAPABILITY.TRANSACTIONS |
  CAPABILITY.SECURE_CONNECTION |
  CAPABILITY.PLUGIN_AUTH;

const PROTOCOL_VERSION = 10;
const UTF8MB4_GENERAL_CI = 45;
const AUTOCOMMIT = 0x2;
const SWITCH = 0xfe;
const FIRST_CHALLENGE_BYTES = 8;
/** Capabilities 4, longest packet 4, character set 1, 23 unused. */
const FIXED_BYTES = 32;

export interface Greeting {
  readonly serverVersion: string;
  readonly connectionId: number;
  /** 20 bytes, none of them 0. */
  readonly challenge: Buffer;
  readonly offersTls: boolean;
}

/** The server's first packet. Source: MySQL 8.4 source docs, "Protocol::HandshakeV10". */
export function greetingPacket({ serverVersion, connectionId, challenge, offersTls }: Greeting): Buffer {
  const capabilities = OFFERED | (offersTls ? CAPABILITY.SSL : 0);
  const fixed = Buffer.alloc(19);
  fixed.writeUInt16LE(capabilities & 0xffff, 1);
  fixed.writeUInt8(UTF8MB4_GENERAL_CI, 3);
  fixed.writeUInt16LE(AUTOCOMMIT, 4);
  fixed.writeUInt16LE(capabilities >>> 16, 6);
  fixed.writeUInt8(challenge.length + 1, 8);
  const id = Buffer.alloc(4);
  id.writeUInt32LE(connectionId);
  return Buffer.concat([
    ...[Buffer.from([PROTOCOL_VERSION]), Buffer.from(`${serverVersion}\0`), id],
    ...[challenge.subarray(0, FIRST_CHALLENGE_BYTES), fixed],
    ...[challenge.subarray(FIRST_CHALLENGE_BYTES), Buffer.from('\0mysql_native_password\0')],
  ]);
}

/** What a client signs in with; `plugin` is null where it names none. */
export interface LoginRequest {
  readonly user: string;
  readonly answer: Buffer;
  readonly plugin: string | null;
}

/** True for the short packet with which a client asks to go on over TLS. */
export function asksForTls(payload: Buffer): boolean {
  return payload.length >= 4 && (payload.readUInt32LE(0) & CAPABILITY.SSL) !== 0 && payload.length <= FIXED_BYTES;
}

/** Reads a client's HandshakeResponse41; null when it is none. */
export function parseLogin(payload: Buffer): LoginRequest | null {
  if (payload.length <= FIXED_BYTES) return null;
  const capabilities = payload.readUInt32LE(0);
  const needed = CAPABILITY.PROTOCOL_41 | CAPABILITY.SECURE_CONNECTION;
  if ((capabilities & needed) !== needed) return null;
  const user = textAt(payload, FIXED_BYTES);
  const answerAt = user.next + 1;
  const pluginAt = answerAt + (payload[user.next] ?? 0);
  if (pluginAt > payload.length) return null;
  const database = (capabilities & CAPABILITY.CONNECT_WITH_DB) !== 0 ? textAt(payload, pluginAt) : { next: pluginAt };
  const namesPlugin = (capabilities & CAPABILITY.PLUGIN_AUTH) !== 0 && database.next < payload.length;
  return {
    user: user.text,
    answer: payload.subarray(answerAt, pluginAt),
    plugin: namesPlugin ? textAt(payload, database.next).text : null,
  };
}

/** A text up to its zero, and where the next field begins. */
function textAt(payload: Buffer, at: number): { text: string; next: number } {
  const zero = payload.indexOf(0, at);
  const end = zero < 0 ? payload.length : zero;
  return { text: payload.toString('utf8', at, end), next: end + 1 };
}

/** Asks the client to answer the challenge with another plugin. */
export function switchPacket(plugin: PasswordPlugin, challenge: Buffer): Buffer {
  return Buffer.concat([Buffer.from([SWITCH]), Buffer.from(`${plugin}\0`), challenge, Buffer.from([0])]);
}

/** Tells a client of caching_sha2_password that its answer was right; OK follows. */
export const FAST_PATH_DONE = Buffer.from([1, 3]);
