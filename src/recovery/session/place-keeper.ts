/**
 * Keeps on the target how far a session came, so that another one can go on. Enters: the statements that end a group. Leaves: these, and
 * the one that moves the place: where the group is a transaction, in it, so that both are there or neither is.
 */
import { isLastgoodError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { hasGtids } from '../begin-state.ts';
import type { EndedGroup } from './logged-events.ts';
import { makePlaceTable, moveStatement } from './place-table.ts';
import { own, type PlacedStatement } from './statement.ts';
import { connectUnlogged } from './unlogged-session.ts';

const COMMIT = Buffer.from('COMMIT');
/** Behind a definition the place is a transaction of its own, for which no GTID is left. */
const [LOG_OFF, LOG_ON] = ['SET SESSION sql_log_bin=0', 'SET SESSION sql_log_bin=1'];

export interface PlaceKeeping {
  /** So many are executed already. */
  readonly groups: number;
  /** True where the target has a binary log. */
  readonly writesLog: boolean;
  /** True where the target tells by its GTIDs which groups it has: then nothing is written for each. */
  readonly byGtids: boolean;
}

export class PlaceKeeper {
  #groups: number;
  readonly #keeping: PlaceKeeping;

  constructor(keeping: PlaceKeeping) {
    this.#groups = keeping.groups;
    this.#keeping = keeping;
  }

  /** For the statements of a group's last event, of which there is at least one. To be called once for each group, in order. */
  ending(statements: readonly PlacedStatement[], { end }: EndedGroup): readonly PlacedStatement[] {
    const { writesLog, byGtids } = this.#keeping;
    if (byGtids) return statements;
    const last = statements.at(-1);
    if (last === undefined) throw new Error('a group ends without a statement');
    this.#groups += 1;
    const { place } = last;
    const move = { ...own(moveStatement({ groups: this.#groups, position: end })), place };
    if (last.logged === null && last.sql.equals(COMMIT)) return [...statements.slice(0, -1), move, last];
    if (!writesLog) return [...statements, move];
    return [...statements, { ...own(LOG_OFF), place }, move, { ...own(LOG_ON), place }];
  }
}

/**
 * @returns null where the place cannot be kept
 * @throws LastgoodError what `connect` throws
 */
export async function openPlaceKeeper(
  target: ServerConnection,
  { groups, log }: { groups: number; log: Logger },
): Promise<PlaceKeeper | null> {
  if (mayPack(target)) return null;
  await using unlogged = await connectUnlogged(target);
  try {
    await makePlaceTable(unlogged, groups);
  } catch (error) {
    if (!isLastgoodError(error, 'PRIVILEGE_MISSING') && !isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
    log.warn({ why: error.message }, 'the session cannot keep its place: if this restore is killed, it begins anew');
    return null;
  }
  const [row] = await unlogged.query<{ logs: string | number }>('SELECT @@GLOBAL.log_bin AS logs');
  return new PlaceKeeper({ groups, writesLog: Number(row?.logs) === 1, byGtids: await hasGtids(target) });
}

/** A packed transaction has its end inside. Source: MySQL 8.4 manual, "binlog_transaction_compression", since 8.0.20. */
function mayPack({ flavor, version }: ServerConnection): boolean {
  return flavor === 'mysql' && !version.startsWith('5.');
}
