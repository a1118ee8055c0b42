import type { Incident, IncidentObject } from '../../incident/incident.ts';

/** The commands that bring the data back, the safe one first. @param rows true when the log holds the rows themselves */
export function nextCommands(
  { id, objects }: Pick<Incident, 'id' | 'objects'>,
  { rows }: { readonly rows: boolean },
): string[] {
  const undo = `lastgood incidents show ${id} --rows-as sql --out ${id}.sql`;
  return [
    `lastgood plan --before ${id}`,
    `lastgood restore --before ${id} --datadir /path/to/new/folder`,
    ...salvageCommands(id, objects),
    ...(rows ? [undo] : []),
  ];
}

/** One for each schema that lost something: to bring back that and nothing else. */
function salvageCommands(id: string, objects: readonly IncidentObject[]): string[] {
  const schemas = [...new Set(objects.map(({ schema }) => schema))].filter((schema) => schema !== '');
  return schemas.map((schema, at) => {
    const tables = tablesToName(objects.filter((object) => object.schema === schema));
    const named = tables.map((table) => ` --table ${shellWord(table)}`).join('');
    const file = schemas.length === 1 ? `salvage-${id}` : `salvage-${id}-${at + 1}`;
    return `lastgood salvage --before ${id} --schema ${shellWord(schema)}${named} --out ${file}.sql.zst`;
  });
}

const MOST_TABLES = 5;

/** None where the whole schema is meant, or what is no table, or too many to name. */
function tablesToName(objects: readonly IncidentObject[]): string[] {
  const names = objects.flatMap(({ type, name }) =>
    name !== null && ['table', 'view', 'sequence'].includes(type) ? [name] : [],
  );
  return names.length === objects.length && names.length <= MOST_TABLES ? [...new Set(names)] : [];
}

/** To be pasted into a shell as it stands, whatever people call their tables. */
function shellWord(name: string): string {
  return /^[\w./:@%+=-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
