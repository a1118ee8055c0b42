import { BoundaryVisitor } from '../archive/boundary-visitor.ts';
import type { LogFile } from '../archive/hand-over.ts';
import { compareFiles, FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { LastgoodError } from '../platform/errors.ts';
import { listBinaryLogs, type BinaryLog } from '../server/binary-logs.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { readServerIdentity, type ServerIdentity } from '../server/facts.ts';
import { peekBinlog, type BinlogPeek } from '../server/peek-binlog.ts';
import { readSourceFile } from '../server/read-source-file.ts';
import type { PrimarySettings } from './settings.ts';

/** The server that is archived, as it answered on this connection. */
export interface Source {
  readonly connection: ServerConnection;
  readonly primary: PrimarySettings;
  readonly flavor: Flavor;
  readonly identity: ServerIdentity;
  /** Its files, oldest first; never empty. */
  readonly logs: readonly BinaryLog[];
  /** True: it could not list them; `logs` are those that the archive goes on with, if it has them still. */
  readonly assumed: boolean;
}

/**
 * Looks who answers on a connection, and what log it has.
 *
 * @param known its files, where they were asked for before
 * @throws LastgoodError `PREFLIGHT_FAILED` when it has no file
 */
export async function lookAt(
  connection: ServerConnection,
  primary: PrimarySettings,
  known?: { logs: readonly BinaryLog[]; assumed?: boolean },
): Promise<Source> {
  const logs = known?.logs ?? (await listBinaryLogs(connection));
  if (logs.length === 0)
    throw new LastgoodError('PREFLIGHT_FAILED', `the ${describeServer(primary)} has no binary log file`);
  const identity = await readServerIdentity(connection);
  return { connection, primary, flavor: connection.flavor, identity, logs, assumed: known?.assumed === true };
}

/** Where its log ends, as it listed its files; null when it listed none. */
export function endOfLog({ logs }: Pick<Source, 'logs'>): Coordinates | null {
  const last = logs.at(-1);
  return last === undefined ? null : { file: last.file, position: last.bytes };
}

/** How many bytes of its log lie behind a place. */
export function bytesFrom({ logs }: Pick<Source, 'logs'>, start: Coordinates): number {
  const later = logs.filter(({ file }) => compareFiles(file, start.file) >= 0);
  return later.reduce((sum, { bytes }) => sum + bytes, 0) - start.position;
}

/** What the start of one of the source's files says. @throws LastgoodError `SERVER_UNREACHABLE`, also when another server answers */
export async function peekFile({ primary, identity }: Source, file: string): Promise<BinlogPeek> {
  return await peekBinlog(primary, { file, position: FIRST_EVENT_OFFSET }, identity);
}

/** The source's log as the search for a hand-over reads it, oldest first. */
export function sourceLog(source: Source): readonly LogFile[] {
  return source.logs.map(({ file }) => ({
    file,
    gtidStart: async () => {
      const { gtidStart } = await peekFile(source, file);
      return gtidStart === null ? null : parseGtidState(source.flavor, gtidStart);
    },
    boundaries: async (visit) => {
      const visitor = new BoundaryVisitor(visit);
      visitor.end(await readSourceFile(source.primary, { file, visitor, identity: source.identity }));
    },
  }));
}
