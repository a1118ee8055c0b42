import type { Incident, IncidentObject } from '../incident/incident.ts';
import { shellWord } from '../platform/shell-word.ts';

/** Shell commands that bring back only what an incident destroyed: one for each schema, none for accounts. */
export function salvageCommands({ id, objects }: Pick<Incident, 'id' | 'objects'>): string[] {
  const schemas = [...new Set(objects.map(({ schema }) => schema))].filter((schema) => schema !== '');
  return schemas.map((schema, at) => {
    const tables = tablesToName(objects.filter((object) => object.schema === schema));
    const named = tables.map((table) => ` --table ${shellWord(table)}`).join('');
    const file = schemas.length === 1 ? `salvage-${id}` : `salvage-${id}-${at + 1}`;
    return `lastgood salvage --before ${id} --schema ${shellWord(schema)}${named} --out ${file}.sql.zst`;
  });
}

/** The same as the end of a hint; '' where there is none. */
export function orSalvage(incident: Pick<Incident, 'id' | 'objects'>): string {
  const commands = salvageCommands(incident).map((command) => `\`${command}\``);
  return commands.length === 0 ? '' : `, or bring back only what was lost: ${commands.join(', ')}`;
}

const MOST_TABLES = 5;

/** None where the whole schema is meant, or what is no table, or too many to name. */
function tablesToName(objects: readonly IncidentObject[]): string[] {
  const names = objects.flatMap(({ type, name }) =>
    name !== null && ['table', 'view', 'sequence'].includes(type) ? [name] : [],
  );
  return names.length === objects.length && names.length <= MOST_TABLES ? [...new Set(names)] : [];
}
