/**
 * Views that nobody can make as they are, because what they read is gone. Enters: what is known of one. Leaves: SQL that makes it under its
 * name, broken as much, with its own text where a server takes that. Must not know what else is in the dump.
 */
import { quoteName, within } from '../../server/quote-name.ts';
import { sqlLines } from '../sql-lines.ts';
import { accountName } from './definers.ts';
import { isThere, keyedTable, tryOwnText, type OwnText } from './own-text.ts';
import type { View } from './read-views.ts';
import { createdWith, type ShownView } from './shown-view.ts';

/** What is known of one; `by` is null where the server does not even list it, since it cannot read its text. */
export interface BrokenView extends Pick<View, 'schema' | 'table' | 'key'> {
  readonly by: Pick<View, 'definer' | 'security'> | null;
  readonly definition: string;
}

/** How a view comes back under its own text. */
export interface OwnForm {
  readonly shown: ShownView;
  /** Statements that make the procedures; the first one is in the view's character set. */
  readonly procedures: readonly [text: Buffer, attempts: Buffer];
}

/**
 * SQL for one broken view where nothing of the dump is there yet. A log that goes on may drop or replace it, and an applier stops where it is
 * missing; or the log makes what it reads, and then it is to be what it was (MariaDB 10.11.19, MySQL 5.6.24). Where a server does not take
 * its text, another view is there that is broken as much.
 *
 * @param own null: the text cannot be tried
 * @param scratch a schema that is there only meanwhile
 */
export function brokenView(view: BrokenView, own: OwnForm | null, scratch: string): (string | Buffer)[] {
  const [begin, end] = [`CREATE DATABASE ${quoteName(scratch)}`, `DROP DATABASE ${quoteName(scratch)}`];
  return [
    comment(view) + sqlLines([begin]),
    ...(own === null ? [sqlLines(standIn(view, scratch))] : underOwnText(own, scratch)),
    sqlLines([end]),
  ];
}

/** A schema of which nobody has heard. */
export function unusedSchema(schemas: Iterable<string>): string {
  const used = new Set([...schemas].map((name) => name.toLowerCase()));
  let name = 'lastgood_broken_view';
  while (used.has(name)) name += '_';
  return name;
}

/**
 * The form of a view with this text: procedures, because there a statement may fail; one that makes the view, in the character set of its
 * creator, and one that calls it where all that it reads is there.
 */
export function ownForm(view: BrokenView, { shown, ...own }: OwnText & { shown: ShownView }, scratch: string): OwnForm {
  const [text, attempts] = procedureNames(scratch);
  const rest = shown.creation.subarray('CREATE '.length);
  const attempt = tryOwnText(own, { scratch, make: `CALL ${text}()` });
  const otherwise = `IF NOT ${isThere(own)} THEN\n${sqlLines(standIn(view, scratch))}END IF;\n`;
  return {
    shown,
    procedures: [
      Buffer.concat([Buffer.from(`CREATE PROCEDURE ${text}() CREATE OR REPLACE `), rest]),
      Buffer.from(`CREATE PROCEDURE ${attempts}()\nBEGIN\n${attempt}${otherwise}END`),
    ],
  };
}

function underOwnText({ shown, procedures: [text, attempts] }: OwnForm, scratch: string): (string | Buffer)[] {
  const [, name] = procedureNames(scratch);
  return [createdWith(shown, delimited(text)), delimited(attempts), sqlLines([`CALL ${name}()`])];
}

function procedureNames(scratch: string): [text: string, attempts: string] {
  return [within(scratch, 'text'), within(scratch, 'attempts')];
}

/** As the client takes a statement with others in it. */
function delimited(statement: Buffer): Buffer {
  return Buffer.concat([Buffer.from('DELIMITER ;;\n'), statement, Buffer.from('\n;;\nDELIMITER ;\n')]);
}

function standIn({ key, by }: BrokenView, scratch: string): string[] {
  const table = within(scratch, 'definition_in_backup');
  const whose = by === null ? '' : `DEFINER=${accountName(by.definer)} SQL SECURITY ${by.security} `;
  return [
    `CREATE TABLE ${table} ${keyedTable(['missing INT'])}`,
    `CREATE ${whose}VIEW ${key} AS SELECT missing FROM ${table}`,
  ];
}

/** For whoever makes it anew by hand. */
function comment({ key, definition }: BrokenView): string {
  return `-- VIEW ${key} was broken when it was backed up: ${definition}`.replaceAll(/[\r\n]/g, ' ') + '\n';
}
