import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { connect, describeServer, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { listOwnDumps } from '../server/dump-clients.ts';
import { enableSemiSync, readSemiSync, type SemiSyncSource } from '../server/semi-sync.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Finding } from './finding.ts';

/** A restart of the archiver has to fit in: it reads its open segment first. */
const SHORTEST_TIMEOUT_MS = 60_000;

/**
 * `archive.semi_sync = true` is a promise: a source that cannot keep it is refused.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` with the statement that helps
 */
export async function checkSemiSync(connection: ServerConnection): Promise<void> {
  const found = await readSemiSync(connection);
  if (found?.enabled === true) return;
  const server = describeServer(connection.options);
  const why = found === null ? 'it has no such plugin' : `rpl_semi_sync_${found.word}_enabled is OFF`;
  throw new LastgoodError('PREFLIGHT_FAILED', `the ${server} does not replicate semi-synchronously: ${why}`, {
    hint: `On it: ${enableSemiSync(found)} Or set archive.semi_sync = false.`,
  });
}

/** Asks the source what keeps the loss window from being zero. A source that cannot be asked gives a finding. */
export async function findSemiSyncProblems(primary: ServerOptions, archiverRunning: boolean): Promise<Finding[]> {
  try {
    await using connection = await connect(primary, SHORT_QUESTIONS);
    const found = await readSemiSync(connection);
    const isStreaming = (await listOwnDumps(connection)).length > 0;
    return semiSyncFindings(found, { server: primary.name, archiverRunning, isStreaming });
  } catch (error) {
    if (!isLastgoodError(error) || error.code === 'INTERRUPTED') throw error;
    const found = `the primary cannot be asked whether its commits wait for the archive: ${error.message}`;
    return [{ severity: 'warning', check: 'semi-sync', object: primary.name, found, fix: 'Run `lastgood doctor`.' }];
  }
}

/**
 * What keeps the loss window from being zero. Pure.
 *
 * @param archiver.isStreaming false: nobody reads the log with its account, so the replicas that are connected are others
 */
export function semiSyncFindings(
  found: SemiSyncSource | null,
  archiver: { server: string; archiverRunning: boolean; isStreaming?: boolean },
): Finding[] {
  const { server, archiverRunning, isStreaming = true } = archiver;
  const seen = found === null || isStreaming ? found : { ...found, clients: 0 };
  const problems = seen?.enabled === true ? CHECKS.map((check) => check(seen, archiverRunning)) : [cannot(seen)];
  return problems
    .filter((problem) => problem !== undefined)
    .map((problem) => ({ ...problem, check: 'semi-sync', object: server }));
}

/** The word for a replica beside each word for a source. Source: MySQL 8.4 manual, semi-synchronous replication variables. */
const REPLICA = { master: 'slave', source: 'replica' } as const;

type Problem = Pick<Finding, 'severity' | 'found' | 'fix'>;
type Check = (source: SemiSyncSource, archiverRunning: boolean) => Problem | undefined;

function cannot(found: SemiSyncSource | null): Problem {
  const why = found === null ? 'the server has no such plugin' : `${variable(found, 'enabled')} is OFF`;
  return { severity: 'error', found: `archive.semi_sync is true, but ${why}`, fix: enableSemiSync(found) };
}

const connected: Check = ({ clients }, archiverRunning) =>
  clients > 0 || !archiverRunning
    ? undefined
    : {
        severity: 'error',
        found: 'the archiver is not among its semi-synchronous replicas: no commit waits for the archive',
        fix: 'Restart `lastgood archive`, and see its log.',
      };

const active: Check = (source, archiverRunning) =>
  source.active || source.clients === 0 || !archiverRunning
    ? undefined
    : {
        severity: 'error',
        found: `commits do not wait at present: ${variable(source, 'status')} is OFF since one waited too long`,
        fix: 'It turns ON by itself once the archive has caught up; see the log of `lastgood archive`.',
      };

const onlyOne: Check = ({ clients, wanted, word }) =>
  clients <= wanted
    ? undefined
    : {
        severity: 'warning',
        found: `${clients} semi-synchronous replicas are connected and a commit waits for ${wanted}: that need not be the archive`,
        fix: `Make the archiver the only one, or on MySQL let commits wait for all: ${variable({ word }, `wait_for_${REPLICA[word]}_count`)}.`,
      };

const timeout: Check = (source) =>
  source.timeoutMs >= SHORTEST_TIMEOUT_MS
    ? undefined
    : {
        severity: 'warning',
        found: `a commit that waited ${source.timeoutMs / 1000} s goes on without the archive, silently`,
        fix: `SET GLOBAL ${variable(source, 'timeout')} = ${SHORTEST_TIMEOUT_MS}; or more, and in the option file.`,
      };

const alone: Check = (source) =>
  source.waitsAlone
    ? undefined
    : {
        severity: 'warning',
        found: 'commits do not wait while the archiver is away',
        fix: `SET GLOBAL ${variable(source, `wait_no_${REPLICA[source.word]}`)} = ON; and in the option file.`,
      };

const waitPoint: Check = (source) =>
  source.waitPoint === null || source.waitPoint === 'AFTER_SYNC'
    ? undefined
    : {
        severity: 'warning',
        found: `commits wait ${source.waitPoint}: other sessions see a change before the archive has it`,
        fix: `SET GLOBAL ${variable(source, 'wait_point')} = AFTER_SYNC; and in the option file.`,
      };

function variable({ word }: Pick<SemiSyncSource, 'word'>, name: string): string {
  return `rpl_semi_sync_${word}_${name}`;
}

/** Adding a check is one function above and one name here. */
const CHECKS: readonly Check[] = [connected, active, onlyOne, timeout, alone, waitPoint];
