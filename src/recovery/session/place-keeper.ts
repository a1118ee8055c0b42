/**
 * Keeps on the target how far a session came, so that another one can go on. Enters: the statements that end a group. Leaves: these, and
 * the one that moves the place: where the group is a transaction, in it, so that both are there or neither is.
 */
import { isLastgoodError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { hasGtids } from '../begin-state.ts';
import { changesRows } from '../changes-rows.ts';
import type { EndedGroup } from './logged-events.ts';
import { beginStatement, makePlaceTable, moveStatement } from './place-table.ts';
import { own, type PlacedStatement } from './statement.ts';
import { connectUnlogged } from './unlogged-session.ts';

const COMMIT = Buffer.from('COMMIT');
/** Beside a definition the place is a transaction of its own, for which there is no GTID. */
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
    if (this.#keeping.byGtids) return statements;
    const last = statements.at(-1);
    if (last === undefined) throw new Error('a group ends without a statement');
    this.#groups += 1;
    const { place } = last;
    const move = moveStatement({ groups: this.#groups, position: end });
    if (isCommit(last)) return [...statements.slice(0, -1), { ...own(move), place }, last];
    const before = this.isApart(statements) ? this.#unlogged(beginStatement(this.#groups), last) : [];
    return [...before, ...statements, ...this.#unlogged(move, last)];
  }

  /** A transaction of its own, which the server has written down before it gets what stands behind. */
  #unlogged(sql: string, { place }: PlacedStatement): PlacedStatement[] {
    const texts = this.#keeping.writesLog ? [LOG_OFF, sql, LOG_ON] : [sql];
    return texts.map((text, index) => ({ ...own(text), alone: index === texts.length - 1, place }));
  }

  /**
   * True for the statements of a definition: nothing takes it back. What stands before has to be sent by itself, so that whoever finds
   * its place knows that this was not begun.
   */
  isApart(statements: readonly PlacedStatement[]): boolean {
    const logged = statements.at(-1)?.logged ?? null;
    return !this.#keeping.byGtids && logged !== null && !changesRows(logged.text);
  }
}

function isCommit({ logged, sql }: PlacedStatement): boolean {
  return logged === null && sql.equals(COMMIT);
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
