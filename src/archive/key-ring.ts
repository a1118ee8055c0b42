import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { LastgoodError } from '../platform/errors.ts';

/** One key of the key file. Its bytes are never printed, logged or stored. */
export interface ArchiveKey {
  /** 16 hex digits, from a hash of the key: names it and tells nothing of it. */
  readonly id: string;
  readonly secret: KeyObject;
}

/** The keys of a key file: the last one encrypts new segments, all of them read old ones. Can be sent to a thread. */
export interface KeyRing {
  readonly file: string;
  readonly keys: readonly [ArchiveKey, ...ArchiveKey[]];
}

const KEY_BYTES = 32;
/** Others may do nothing with it, its group at most read it. */
const FORBIDDEN_MODE = 0o037;
/** More is no key file, and is not read into memory. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * Reads a key file: 32 raw bytes, or one key a line as 64 hex digits or base64; lines that begin with `#` are comments.
 *
 * @throws LastgoodError `FILE_UNREADABLE`; `KEY_FILE_INVALID` for anything else in it, or when others may read it
 */
export async function readKeyRing(file: string): Promise<KeyRing> {
  const { bytes, mode } = await readKeyFile(file);
  if ((mode & FORBIDDEN_MODE) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new LastgoodError('KEY_FILE_INVALID', `the key file '${file}' has mode ${octal}: others could use its keys`, {
      hint: `Close it: chmod 0600 '${file}'.`,
    });
  }
  const [first, ...others] = parseKeys(file, bytes).map((key) => ({ id: keyId(key), secret: createSecretKey(key) }));
  if (first === undefined) throw new LastgoodError('KEY_FILE_INVALID', `the key file '${file}' holds no key`);
  return { file, keys: [first, ...others] };
}

/** The key that new segments are encrypted with: rotation means to add a line. */
export function newestKey({ keys }: KeyRing): ArchiveKey {
  return keys.at(-1) ?? keys[0];
}

/** The key of that id. @param path the segment that needs it @throws LastgoodError `KEY_MISSING` */
export function findKey(ring: KeyRing | null, keyId: string, path: string): ArchiveKey {
  const key = ring?.keys.find(({ id }) => id === keyId);
  if (key !== undefined) return key;
  const has =
    ring === null
      ? 'no key file is configured'
      : `the key file '${ring.file}' holds ${ring.keys.map(({ id }) => id).join(', ')}`;
  throw new LastgoodError('KEY_MISSING', `segment '${path}' is encrypted with key ${keyId}, but ${has}`, {
    details: { path, keyId, keyFile: ring?.file ?? null },
  });
}

async function readKeyFile(file: string): Promise<{ bytes: Buffer; mode: number }> {
  try {
    await using handle = await open(file, 'r');
    const { mode } = await handle.stat();
    const buffer = Buffer.alloc(MAX_FILE_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, MAX_FILE_BYTES, 0);
    return { bytes: buffer.subarray(0, bytesRead), mode };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('FILE_UNREADABLE', `cannot read the key file '${file}': ${why}`, {
      cause,
      details: { path: file },
    });
  }
}

function parseKeys(file: string, bytes: Buffer): Buffer[] {
  if (bytes.length === KEY_BYTES) return [Buffer.from(bytes)];
  const lines = bytes
    .toString('latin1')
    .split('\n')
    .map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const key = /^[0-9a-f]{64}$/i.test(line) ? Buffer.from(line, 'hex') : base64Key(line);
    if (key !== null) return [key];
    // The line itself may be most of a key: it is not shown.
    throw new LastgoodError('KEY_FILE_INVALID', `line ${index + 1} of the key file '${file}' is no key of 32 bytes`);
  });
}

function base64Key(line: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(line)) return null;
  return Buffer.from(line, 'base64');
}

function keyId(key: Buffer): string {
  return createHash('sha256').update('lastgood key id').update(key).digest('hex').slice(0, 16);
}
