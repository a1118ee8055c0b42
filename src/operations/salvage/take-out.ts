import { readInexactTables } from '../../backup/dump-scope.ts';
import type { TableName } from '../../binlog/group.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { Proof } from '../../recovery/proof.ts';
import type { RestoreTarget } from '../../recovery/restore-target.ts';
import type { TableState } from '../../recovery/table-state.ts';
import { readDefinitions, type Definition } from './definitions.ts';
import { readObjectGrants, type ObjectGrant } from './object-grants.ts';
import { readSchemaContent, selectTables, type SchemaContent } from './schema-content.ts';

/** What was restored in the scratch server, and is wanted elsewhere. */
export interface Salvaged {
  readonly scratch: Pick<RestoreTarget, 'admin' | 'login' | 'temporary'>;
  readonly content: SchemaContent;
  /** As the proof read them. */
  readonly tables: readonly TableState[];
  readonly definitions: readonly Definition[];
  /** Tables that mariadb-dump would not print exactly. */
  readonly inexact: readonly TableName[];
  /** Privileges on what is wanted. */
  readonly privileges: readonly ObjectGrant[];
}

/** What is wanted of the scratch server. */
export interface Wanted {
  readonly schema: string;
  /** Tables and views; empty: all of the schema. */
  readonly names: readonly string[];
}

/**
 * Finds what is wanted in the restored server, and reads all that has to be known about it.
 *
 * @throws LastgoodError `OBJECT_UNKNOWN`, `PREFLIGHT_FAILED` for tables that a dump would change
 */
export async function takeOut(
  scratch: Salvaged['scratch'],
  proof: Pick<Proof, 'tables'>,
  { schema, names }: Wanted,
): Promise<Salvaged> {
  const { admin, login } = scratch;
  const all = await readSchemaContent(admin, schema);
  if (all === null) throw unknownSchema(schema, proof.tables);
  const content = selectTables(all, names);
  refuseVersioned(content);
  const wanted = (name: string): boolean => content.tables.some((table) => table.name === name);
  const privileges = await readObjectGrants(admin, login.user);
  return {
    ...{ scratch, content },
    tables: proof.tables.filter(({ schema: of, name }) => of === content.schema && wanted(name)),
    definitions: await readDefinitions(admin, content),
    inexact: (await readInexactTables(admin, content.schema)).filter(({ table }) => wanted(table)),
    privileges: privileges.filter((grant) => isOn(grant, content, names)),
  };
}

function isOn(grant: ObjectGrant, { schema, tables, views }: SchemaContent, names: readonly string[]): boolean {
  if (grant.schema !== schema) return false;
  if (names.length === 0) return true;
  return grant.routine === null && [...tables.map(({ name }) => name), ...views].includes(grant.name ?? '');
}

function unknownSchema(schema: string, tables: readonly TableState[]): LastgoodError {
  const schemas = [...new Set(tables.map(({ schema: name }) => name))];
  return new LastgoodError('OBJECT_UNKNOWN', `there is no schema '${schema}' at the target`, {
    details: { schema },
    hint:
      schemas.length === 0
        ? 'There are no tables at all at that point.'
        : `Schemas with tables: ${schemas.join(', ')}.`,
  });
}

function refuseVersioned({ schema, versioned }: SchemaContent): void {
  if (versioned.length === 0) return;
  const message = `a dump of system-versioned tables would lose their history: ${schema}.${versioned.join(`, ${schema}.`)}`;
  throw new LastgoodError('PREFLIGHT_FAILED', message, {
    details: { schema },
    hint: 'Name the other tables with --table, or use `lastgood restore`, which keeps the history.',
  });
}
