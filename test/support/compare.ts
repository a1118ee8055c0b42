import { readFile } from 'node:fs/promises';
import type { ServerConnection } from '../../src/server/connection.ts';
import { SYSTEM_SCHEMAS } from '../../src/server/facts.ts';

/** The FORMAT_DESCRIPTION event's flags: bit 0 is IN_USE, set while the server writes the file and after a crash. */
const FLAGS_OFFSET = 21;
const IN_USE = 0x01;

/** The checksum of each table in these schemas (all of users when not given), by `schema.table`. */
export async function checksums(
  connection: ServerConnection,
  schemas?: readonly string[],
): Promise<Record<string, string | null>> {
  const tables = await connection.query<{ name: string; quoted: string }>(
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name,
            CONCAT('\`', REPLACE(TABLE_SCHEMA, '\`', '\`\`'), '\`.\`', REPLACE(TABLE_NAME, '\`', '\`\`'), '\`') AS quoted
     FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS})
     ORDER BY TABLE_SCHEMA, TABLE_NAME`,
  );
  const wanted = tables.filter(({ name }) => schemas?.some((schema) => name.startsWith(`${schema}.`)) ?? true);
  const result: Record<string, string | null> = {};
  for (const { name, quoted } of wanted) {
    const [row] = await connection.query<{ Checksum: string | null }>(`CHECKSUM TABLE ${quoted}`);
    result[name] = row?.Checksum ?? null;
  }
  return result;
}

const CHECKPOINT = 161;
const HEADER_BYTES = 19;

/**
 * Compares a copy with a server's binary log file, byte for byte but for the IN_USE flag, which servers never send, and for
 * checkpoint events at the file's end: after a rotation MariaDB writes them when it gets to it, up to a second later, also
 * when nobody writes any more and the copy was made.
 *
 * @returns null when they are equal, else where they first differ
 */
export async function cmpMasked(fileA: string, fileB: string): Promise<string | null> {
  const [a, b] = await Promise.all([readMasked(fileA), readMasked(fileB)]);
  if (a.equals(b.subarray(0, a.length)) && areCheckpoints(b.subarray(a.length))) return null;
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a[at] === b[at]) at += 1;
  return `${fileA} (${a.length} bytes) and ${fileB} (${b.length} bytes) differ at byte ${at}`;
}

/** True also when there is nothing. */
function areCheckpoints(events: Buffer): boolean {
  for (let at = 0; at < events.length; at += events.readUInt32LE(at + 9))
    if (events.length - at < HEADER_BYTES || events[at + 4] !== CHECKPOINT) return false;
  return true;
}

async function readMasked(path: string): Promise<Buffer> {
  return hideInUse(await readFile(path));
}

/** Clears the IN_USE flag in a file's bytes. */
export function hideInUse(bytes: Buffer): Buffer {
  bytes[FLAGS_OFFSET] = (bytes[FLAGS_OFFSET] ?? 0) & ~IN_USE;
  return bytes;
}
