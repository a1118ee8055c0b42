/**
 * Broken views in text, at the start of a dump: a table that they read may come with another definition, and then nothing could stand in
 * its place. Enters: a server whose definitions stand still. Leaves: SQL for the `mariadb` or `mysql` client, for an empty server. Must not
 * know who asks.
 */
import { createHash } from 'node:crypto';
import type { TableName } from '../../binlog/group.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { keepEncoding } from '../../server/session-encoding.ts';
import { saysNothing } from '../dump-scope.ts';
import { showCreate } from '../show-create.ts';
import { sqlLines } from '../sql-lines.ts';
import { brokenView, ownForm, unusedSchema, type BrokenView, type OwnForm } from './broken-views.ts';
import { missingDefiners, standInAccounts } from './definers.ts';
import { needsOf, type Needs } from './definition-names.ts';
import { readViewsInOrder } from './read-views.ts';
import { showView, type ShownView } from './shown-view.ts';
import { viewKey } from './view-order.ts';
import { LOADING, sectionHead, type Write } from './view-sections.ts';
import type { ViewScope } from './write-views.ts';

/** A section of the server's own: what stands behind it is for all, as a dump's first lines are. */
const FOR_ALL = sectionHead('mysql');

/**
 * Writes them, each before those that it reads, so that stand-ins can be in the place of these. Each has a section of its own, which leaves
 * nothing but the view and its schema. The connection reads as stored.
 *
 * @throws LastgoodError `PRIVILEGE_MISSING`, and what a query throws
 */
export async function writeBrokenViews(connection: ServerConnection, scope: ViewScope, write: Write): Promise<void> {
  if (scope.brokenViews.length === 0) return;
  await keepEncoding(connection);
  for (const view of await readBroken(connection, scope))
    for (const sql of await section(connection, view, scope.schemas)) await write(sql);
  await write(FOR_ALL);
}

async function readBroken(connection: ServerConnection, scope: ViewScope): Promise<BrokenView[]> {
  const views = await readViewsInOrder(connection, scope.schemas, scope.brokenViews);
  const listed = views.toReversed().flatMap(({ broken, definer, security, ...view }) => {
    return broken === null ? [] : [{ ...view, by: { definer, security }, definition: broken }];
  });
  const keys = new Set(views.map(({ key }) => key));
  const others = scope.brokenViews.map((name) => ({ ...name, key: viewKey(name), by: null, definition: '' }));
  return [...listed, ...others.filter(({ key }) => !keys.has(key))];
}

async function section(
  connection: ServerConnection,
  view: BrokenView,
  schemas: readonly string[],
): Promise<(string | Buffer)[]> {
  const [, created] = await showCreate(connection, `SHOW CREATE DATABASE IF NOT EXISTS ${quoteName(view.schema)}`);
  const definers = view.by === null ? [] : [view.by.definer];
  const accounts = standInAccounts(connection, await missingDefiners(connection, definers));
  const needs = needsOf(view.definition);
  const named = [...needs.objects, ...needs.functions].map(({ schema }) => schema ?? view.schema);
  const scratch = unusedSchema([...schemas, ...named]);
  const own = view.by === null ? null : await readOwnForm(connection, { ...view, needs }, scratch);
  return [
    sectionHead(view.schema) + sqlLines([...LOADING, String(created), `USE ${quoteName(view.schema)}`]),
    sqlLines(accounts.create),
    ...brokenView(view, own, scratch),
    sqlLines(accounts.drop),
  ];
}

/** @returns null when the server does not show the text, or takes it in no procedure */
async function readOwnForm(
  connection: ServerConnection,
  view: BrokenView & { readonly needs: Needs },
  scratch: string,
): Promise<OwnForm | null> {
  const shown = view.needs.isShowable ? await asFarAsShown(connection, view) : null;
  if (shown === null) return null;
  const digest = createHash('md5').update(view.definition).digest('hex');
  const form = ownForm(view, { ...view, shown, digest }, scratch);
  const [text, attempts] = form.procedures;
  const isTaken = (await isStatement(connection, text, shown.charset)) && (await isStatement(connection, attempts));
  return isTaken ? form : null;
}

/** ER_UNSUPPORTED_PS: it was read, and is of a kind that is not prepared. */
const NOT_PREPARED = 1295;
/** Of a packet, beside what is hexadecimal in it, bytes. */
const PACKET_REST = 1024;

/** True when the server can read the statement, so that loading it cannot fail there. It is prepared, which reads it and runs nothing. */
async function isStatement(connection: ServerConnection, sql: Buffer, charset = 'utf8mb4'): Promise<boolean> {
  const [packet] = await connection.query<{ bytes: string | number }>('SELECT @@max_allowed_packet AS bytes');
  if (2 * sql.length + PACKET_REST > Number(packet?.bytes)) return false; // the server would hang up
  await connection.query(`SET NAMES ${charset}`);
  try {
    await connection.query(`SET @lastgood_sql = CONVERT(X'${sql.toString('hex')}' USING ${charset})`);
    await connection.query('PREPARE lastgood FROM @lastgood_sql');
    return true;
  } catch (error) {
    if (saysNothing(error)) throw error;
    return isLastgoodError(error) && error.details['errno'] === NOT_PREPARED;
  } finally {
    await connection.query('SET NAMES utf8mb4, character_set_results = NULL');
  }
}

async function asFarAsShown(connection: ServerConnection, view: TableName): Promise<ShownView | null> {
  try {
    return await showView(connection, view);
  } catch (error) {
    if (saysNothing(error)) throw error;
    return null;
  }
}
