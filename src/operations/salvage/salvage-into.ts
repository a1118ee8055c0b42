import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { LastgoodError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { TableState } from '../../recovery/table-state.ts';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import { carryDefinition, type CarryOptions, type NotCarried } from './carry-definition.ts';
import { checkDefinitions, checkForeignKeys, checkTables } from './check-loaded.ts';
import { dumpContent } from './dump-content.ts';
import { endSession } from './end-session.ts';
import { finish } from './finish.ts';
import { readForeignKeys } from './foreign-keys.ts';
import { refuseConflicts } from './live-conflicts.ts';
import { requireFit } from './live-fitness.ts';
import { requirePrivileges } from './live-privileges.ts';
import { openLive } from './live-session.ts';
import { loadSql } from './load-sql.ts';
import { moveIn } from './move-in.ts';
import { pour } from './pour.ts';
import { createSchema, stageTables, type StagedTables } from './staged-tables.ts';
import { readStaging, STAGING_PREFIX } from '../../recovery/staging-name.ts';
import type { Salvaged } from './take-out.ts';
import { Undo } from './undo.ts';

export interface SalvageIntoOptions extends Salvaged {
  readonly server: ServerOptions;
  /** The schema's name there. */
  readonly as: string;
  readonly enableEvents: boolean;
  readonly log: Logger;
  /** Bytes of SQL so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface SalvagedInto {
  readonly tables: readonly TableState[];
  readonly notCarried: readonly NotCarried[];
  readonly warnings: readonly string[];
}

/**
 * Puts the content beside what a live server has: loaded into a schema of its own and checked there, then moved to its
 * place by renaming. After a failure nothing of it is left.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY` and `PREFLIGHT_FAILED` before anything is written, `PROOF_FAILED`, `TOOL_FAILED`,
 *   `INTERRUPTED`, and what a connection throws
 */
export async function salvageInto(o: SalvageIntoOptions): Promise<SalvagedInto> {
  await using live = await openLive(o.server);
  const carry = await preflight(live, o);
  const leftBehind = await findLeftBehind(live);
  const staging = `${STAGING_PREFIX}${randomBytes(4).toString('hex')}`;
  const { content, scratch, signal } = o;
  const staged = await stageTables(scratch.admin, { ...carry, content, staging, signal });
  const undo = new Undo();
  try {
    const done = await loadAndMove(live, { ...o, carry, staging, staged, undo });
    return { ...done, warnings: [...leftBehind, ...done.warnings] };
  } catch (error) {
    await endSession(live, () => connect(o.server)).catch((reason: unknown) => {
      o.log.warn({ reason: String(reason) }, 'cannot tell whether the session with the live server has ended');
    });
    throw whatIsLeft(error, await undo.all(o.log));
  }
}

/** Everything that can be known beforehand, the server's nature first. */
async function preflight(live: ServerConnection, o: SalvageIntoOptions): Promise<CarryOptions> {
  const { content, scratch, as } = o;
  const [row] = await scratch.admin.query<{ folds: string | number }>(
    'SELECT @@GLOBAL.lower_case_table_names AS folds',
  );
  const lowerCaseTableNames = Number(row?.folds ?? 0);
  await requireFit(live, { content, as, scratch: { version: scratch.admin.version, lowerCaseTableNames } });
  await requirePrivileges(live, as, content);
  const names = content.tables.map(({ name }) => name);
  const keys = (await readForeignKeys(scratch.admin, content.schema)).filter(({ table }) => names.includes(table));
  await refuseConflicts(live, as, { content, foreignKeys: keys.map(({ name }) => name) });
  return {
    ...{ schema: content.schema, as, enableEvents: o.enableEvents },
    caseSensitive: lowerCaseTableNames === 0,
    serverVersion: scratch.admin.version,
  };
}

interface LoadOptions extends SalvageIntoOptions {
  readonly carry: CarryOptions;
  readonly staging: string;
  readonly staged: StagedTables;
  readonly undo: Undo;
}

async function loadAndMove(live: ServerConnection, o: LoadOptions): Promise<SalvagedInto> {
  const { content, staging, staged, as, undo, log, signal } = o;
  const carried = o.definitions.map((definition) => carryDefinition(definition, o.carry));
  const reconnect = async (): Promise<ServerConnection> => await openLive(o.server);
  undo.add({
    what: `schema ${staging}`,
    remove: async () => {
      await using session = await reconnect();
      await session.query(`DROP DATABASE IF EXISTS ${quoteName(staging)}`);
    },
  });
  await live.query(createSchema(content, staging));
  log.info({ staging }, 'loading what is salvaged');
  await loadTables(o);
  const tables = await checkTables(live, o);
  const unlike = await checkDefinitions(live, o);
  const broken = await checkForeignKeys(live, staging, { as, signal });
  log.info({ schema: as }, 'moving it into place');
  const { notCarried, warnings } = await moveIn({
    ...{ live, reconnect, content, staging, as, undo, signal, defaults: staged.defaults },
    definitions: carried.flatMap((one) => ('sql' in one ? [one] : [])),
  });
  const end = await finish(live, { reconnect, content, staging, as });
  const refused = carried.flatMap((one) => ('why' in one ? [one] : []));
  const known = [...staged.notCarried, ...refused, ...notCarried];
  const passed = end.passed.filter(({ name }) => !known.some((one) => one.type === 'event' && one.name === name));
  return {
    tables: tables.map((table) => ({ ...table, schema: as })),
    notCarried: [...known, ...passed],
    warnings: [...unlike, ...broken, ...end.warnings, ...warnings],
  };
}

/** Through the servers' own programs, in pieces that the live server's replicas get as small transactions. */
async function loadTables(o: LoadOptions): Promise<void> {
  const { scratch, server, staging, signal, onProgress } = o;
  const { login, temporary } = scratch;
  const inexact = o.inexact.map(({ table }) => ({ schema: staging, table }));
  const load = { server, temporary, schema: staging, signal };
  await pour(
    new PassThrough({ highWaterMark: 1024 * 1024 }),
    async (write) => {
      await write(LOADING);
      const dump = { server: login, temporary, schema: staging, leftOut: [] };
      await dumpContent({ ...dump, scope: { kind: 'bare tables' }, inexact, onProgress, signal }, write);
    },
    async (chunks) => {
      await loadSql(load, chunks);
    },
  );
}

/**
 * Rows that a check constraint forbids today were there once. innodb_strict_mode stays as it is: replicas do not get
 * that setting, and stop at a table that only we were allowed to make.
 */
const LOADING = 'SET SESSION check_constraint_checks = 0, max_statement_time = 0;\n';

/** Its maker was killed: only that leaves one, and nobody else can tell it from one that is at work. */
async function findLeftBehind(live: ServerConnection): Promise<string[]> {
  const schemas = await readStaging(live);
  return schemas.map(
    (name) =>
      `schema ${name} is of another salvage: if none is at work, it was killed, and what it made is not complete; then DROP DATABASE ${name}`,
  );
}

function whatIsLeft(error: unknown, left: readonly string[]): unknown {
  if (left.length === 0 || !(error instanceof LastgoodError)) return error;
  return new LastgoodError(error.code, `${error.message}; and this could not be removed again: ${left.join('; ')}`, {
    cause: error,
    details: error.details,
    hint: 'Remove by hand what the message names; everything else is as it was.',
  });
}
