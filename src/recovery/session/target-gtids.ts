import type { Gtid, GtidState } from '../../binlog/gtid.ts';
import { formatGtid, parseGtidState } from '../../binlog/gtid-text.ts';
import { GtidSet } from '../../binlog/mysql-gtid.ts';
import { isLastgoodError, LastgoodError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { hasGtids, setBeginState } from '../begin-state.ts';
import type { SessionVariables } from './session-variables.ts';

/** How a target is told the GTIDs of what it executes. */
export interface TargetGtids {
  /** Session variables that a group needs before it begins. */
  variables(gtid: Gtid | null, serverId: number): SessionVariables;
  /** A statement that a group begins with; null when it needs none. @throws LastgoodError `PREFLIGHT_FAILED` for a group that the target has */
  opening(gtid: Gtid | null): string | null;
  /** Counts a group as executed. */
  executed(gtid: Gtid | null): void;
  /** Leaves the GTID state on the target. @returns it, as the server writes it */
  finish(): Promise<string>;
}

/**
 * Brings the target's GTID state to where the first range begins.
 *
 * @param before null when it is not known: then the target's own is kept
 * @throws LastgoodError `PREFLIGHT_FAILED` when the target has another one, and what `ServerConnection.query` throws
 */
export async function prepareGtids(target: ServerConnection, before: string | null, log: Logger): Promise<TargetGtids> {
  return target.flavor === 'mariadb' ? await prepareMariadb(target, before, log) : await prepareMysql(target, before);
}

/** A session does not move gtid_slave_pos by itself: it is set when all is done. */
async function prepareMariadb(target: ServerConnection, before: string | null, log: Logger): Promise<TargetGtids> {
  if (before !== null) await setPosition(target, before, log);
  const position = parseGtidState('mariadb', before ?? (await ask(target, '@@GLOBAL.gtid_slave_pos')));
  const writesLog = (await ask(target, '@@GLOBAL.log_bin')) === '1';

  return {
    variables: (gtid, serverId) => ({
      server_id: String(serverId), // an applier has it too: a statement may ask for it
      ...(writesLog && gtid?.flavor === 'mariadb' ? { gtid_domain_id: String(gtid.domain) } : {}),
    }),
    opening: (gtid) => {
      if (!writesLog || gtid?.flavor !== 'mariadb') return null;

      return `SET @@session.gtid_seq_no=${gtid.sequence}`;
    },
    executed: (gtid) => {
      if (gtid !== null) position.add(gtid);
    },
    finish: async () => {
      const isSet = await setPosition(target, position.toString(), log);
      return isSet ? await ask(target, '@@GLOBAL.gtid_slave_pos') : position.toString();
    },
  };
}

/** @returns false when the account may not; then nothing depends on it but what a replica would ask for later */
async function setPosition(target: ServerConnection, position: string, log: Logger): Promise<boolean> {
  try {
    await target.query('SET GLOBAL gtid_slave_pos = ?', [position]);
    return true;
  } catch (error) {
    if (!isLastgoodError(error, 'PRIVILEGE_MISSING')) throw error;
    log.warn({ position }, 'the account may not set gtid_slave_pos on the target: it stays as it is');
    return false;
  }
}

async function prepareMysql(target: ServerConnection, before: string | null): Promise<TargetGtids> {
  if (!(await hasGtids(target))) return withoutGtids(before);
  await setBeginState(target, before ?? '');
  const set = GtidSet.parse(await ask(target, '@@GLOBAL.gtid_executed'));
  let automatic = true;
  return {
    variables: () => ({}),
    opening: (gtid) => {
      if (gtid === null) {
        if (automatic) return null;
        automatic = true;
        return "SET @@session.gtid_next='AUTOMATIC'";
      }
      if (set.contains(gtid)) throw alreadyThere(gtid);
      automatic = false;
      return `SET @@session.gtid_next='${formatGtid(gtid)}'`;
    },
    executed: (gtid) => {
      if (gtid !== null) set.add(gtid);
    },
    finish: async () => await ask(target, '@@GLOBAL.gtid_executed'),
  };
}

/** What was executed is still known here, only the target does not. */
function withoutGtids(before: string | null): TargetGtids {
  const set: GtidState = parseGtidState('mysql', before ?? '');
  return {
    variables: () => ({}),
    opening: () => null,
    executed: (gtid) => {
      if (gtid !== null) set.add(gtid);
    },
    finish: () => Promise.resolve(set.toString()),
  };
}

/** A server passes over a GTID that it has, and says nothing. */
function alreadyThere(gtid: Gtid): LastgoodError {
  return new LastgoodError('PREFLIGHT_FAILED', `the target has executed ${formatGtid(gtid)} already`, {
    hint: 'It would pass over the group without a word. Restore into a server that has only what the backup holds.',
  });
}

async function ask(target: ServerConnection, variable: string): Promise<string> {
  const [row] = await target.query<{ value: string | number | null }>(`SELECT ${variable} AS value`);
  return String(row?.value ?? '').replaceAll('\n', '');
}
