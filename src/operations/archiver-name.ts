import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ARCHIVER_HOST } from '../server/dump-client.ts';

/** Of the host's name; a server takes 60 bytes in all. Source: MariaDB 10.11 and MySQL 5.6, HOSTNAME_LENGTH. */
const SHOWN_BYTES = 40;

/** Who an archiver is to its source: one repository on one machine. One that comes back says the same as before. */
export interface ArchiverName {
  readonly serverId: number;
  /** As it registers: `lastgood@MACHINE:DIGITS`. */
  readonly host: string;
  /** MySQL throws out whoever has the uuid of a newcomer, whatever its server id; MariaDB whoever has its server id. */
  readonly uuid: string;
}

/** What tells two archivers apart. */
export interface ArchiverPlace {
  readonly repositoryPath: string;
  /** `primary.name`. */
  readonly name: string;
}

/** Names the archiver of a repository on this machine. */
export function nameArchiver(place: ArchiverPlace, serverId: number, machine = hostname()): ArchiverName {
  const digits = digestOf(place, machine);
  const shown = machine.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, SHOWN_BYTES);
  const [a, b, c] = [digits.slice(8, 12), digits.slice(12, 15), digits.slice(15, 18)];
  return {
    serverId,
    host: `${ARCHIVER_HOST}@${shown}:${digits.slice(0, 8)}`,
    uuid: `1a57600d-${a}-4${b}-8${c}-${serverId.toString(16).padStart(12, '0')}`,
  };
}

/** Above what people number their servers with, and below 10.0.0.0 read as a number. */
const FIRST_ID = 4_210_002;
const IDS = 100_000_000;

/** An id to take instead of one that another has. */
export function otherId(place: ArchiverPlace, taken: number): number {
  const free = likelyFreeId(place);
  return free === taken ? free + 1 : free;
}

/** An id that hardly another server or archiver has: the same for the same repository on the same machine. */
export function likelyFreeId(place: ArchiverPlace, machine = hostname()): number {
  return FIRST_ID + (Number.parseInt(digestOf(place, machine).slice(18, 26), 16) % IDS);
}

function digestOf({ repositoryPath, name }: ArchiverPlace, machine: string): string {
  return createHash('sha256')
    .update(JSON.stringify([machine, resolve(repositoryPath), name]))
    .digest('hex');
}
