import { throwIfAborted } from '../../platform/wait.ts';
import type { TableState } from '../../recovery/table-state.ts';
import { describeServer } from '../../server/connection.ts';
import type { SalvagedObject, SalvageOptions, SalvageResult, SalvageTo } from '../salvage.ts';
import type { NotCarried } from './carry-definition.ts';
import { definersOf } from './definers-of.ts';
import { makeGrants } from './make-grants.ts';
import { keepMakeable } from './makeable-views.ts';
import { grantText } from './object-grants.ts';
import { salvageInto } from './salvage-into.ts';
import { salvageToFile, writeDump, type SalvageOutOptions } from './salvage-out.ts';
import type { SchemaContent } from './schema-content.ts';
import type { Salvaged } from './take-out.ts';

/** What came of it, apart from the restore. */
export type BroughtBack = Pick<
  SalvageResult,
  'salvaged' | 'notCarried' | 'out' | 'into' | 'definers' | 'grants' | 'warnings'
>;

/** Writes what was taken out to where it shall go. Throws what `salvageToFile` and `salvageInto` do. */
export async function bringBack(found: Salvaged, options: SalvageOptions): Promise<BroughtBack> {
  const { to } = options;
  return to.kind === 'server' ? await toServer(found, to, options) : await toDump(found, to, options);
}

async function toServer(
  found: Salvaged,
  { server, rename, enableEvents }: Extract<SalvageTo, { kind: 'server' }>,
  options: SalvageOptions,
): Promise<BroughtBack> {
  const { log, signal } = options;
  const { content } = found;
  const as = rename ?? content.schema;
  const statements = found.privileges.map((grant) => grantText(grant, as));
  const done = await salvageInto({
    ...{ ...found, server, as, enableEvents, log, signal },
    onProgress: counter(content, options),
  });
  const refused = options.grants ? await makeGrants(server, statements) : [];
  const notCarried = [...brokenViews(content), ...done.notCarried];
  const salvaged = listed({ content, as, tables: done.tables, notCarried });
  return {
    salvaged,
    notCarried: [...notCarried, ...refused],
    out: null,
    into: { server: describeServer(server), schema: as },
    definers: definersOf(found.definitions),
    grants: { given: options.grants, statements },
    warnings: [...(enableEvents ? [] : disabledEvents(salvaged)), ...done.warnings],
  };
}

async function toDump(
  found: Salvaged,
  to: Exclude<SalvageTo, { kind: 'server' }>,
  options: SalvageOptions,
): Promise<BroughtBack> {
  throwIfAborted(options.signal);
  const { content, notCarried: refused } = await keepMakeable(found);
  const statements = found.privileges.map((grant) => grantText(grant));
  const definers = definersOf(found.definitions);
  let plain = 0;
  const count = counter(content, options);
  const dump: SalvageOutOptions = {
    ...found,
    content,
    title: titleOf(options, definers),
    grants: statements,
    granting: options.grants,
    names: options.tables,
    signal: options.signal,
    onProgress: (bytes) => {
      plain = bytes;
      count(bytes);
    },
  };
  throwIfAborted(options.signal);
  const written = to.kind === 'file' ? await salvageToFile(to.path, dump) : null;
  if (to.kind === 'stream') await writeDump(dump, to.write);
  const notCarried = [...brokenViews(content), ...refused, ...(written?.notCarried ?? [])];
  const salvaged = listed({ content, as: content.schema, tables: found.tables, notCarried });
  return {
    salvaged,
    notCarried,
    out: {
      path: to.kind === 'file' ? to.path : null,
      ...(written?.file ?? { bytes: plain, sha256: null }),
      proven: written !== null,
    },
    into: null,
    definers,
    grants: { given: options.grants, statements },
    warnings: disabledEvents(salvaged),
  };
}

/** A dump has them as the scratch server does: as any replica. */
function disabledEvents(salvaged: BroughtBack['salvaged']): string[] {
  const names = salvaged.filter(({ type }) => type === 'event').map(({ schema, name }) => `${schema}.${name}`);
  if (names.length === 0) return [];
  const are = names.length === 1 ? '1 event is' : `${names.length} events are`;
  return [`${are} disabled: ${names.join(', ')}; ALTER DEFINER = <its definer> EVENT <name> ENABLE enables one`];
}

function titleOf({ plan, schema, tables }: SalvageOptions, definers: readonly string[]): string[] {
  const { resolved } = plan.target;
  const what = tables.length === 0 ? `schema ${schema}` : tables.map((name) => `${schema}.${name}`).join(', ');
  return [
    `lastgood salvage: ${what} as of ${resolved.file}:${resolved.position}${resolved.gtid === null ? '' : `, GTID ${resolved.gtid}`}`,
    `Loading it stops at the first name that is taken. Events come as the replica had them: see their state before they run.`,
    ...(definers.length === 0 ? [] : [`Definers, which should exist where it is loaded: ${definers.join(', ')}`]),
  ];
}

function counter({ tables }: SchemaContent, { progress }: SalvageOptions): (bytes: number) => void {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return (done) => progress?.({ step: 'salvaging', done, total: Math.max(done, total) });
}

function brokenViews({ brokenViews: names }: SchemaContent): NotCarried[] {
  return names.map((name) => ({
    type: 'view',
    name,
    why: 'it could not be read at that point: something it needs was gone',
  }));
}

function listed(o: {
  content: SchemaContent;
  as: string;
  tables: readonly TableState[];
  notCarried: readonly NotCarried[];
}): SalvagedObject[] {
  const { tables, views, triggers, routines, events } = o.content;
  const all: Pick<SalvagedObject, 'name' | 'type'>[] = [
    ...tables,
    ...views.map((name) => ({ name, type: 'view' as const })),
    ...triggers.map(({ name }) => ({ name, type: 'trigger' as const })),
    ...routines,
    ...events.map(({ name }) => ({ name, type: 'event' as const })),
  ];
  const carried = all.filter(({ name, type }) => !o.notCarried.some((one) => one.name === name && one.type === type));
  return carried.map(({ name, type }) => {
    const state = type === 'table' || type === 'sequence' ? o.tables.find((table) => table.name === name) : undefined;
    return { schema: o.as, name, type, rows: state?.rows ?? null, checksum: state?.checksum ?? null };
  });
}
