import type { Incident } from '../../incident/incident.ts';
import { shellWord } from '../../platform/shell-word.ts';
import { salvageCommands } from '../../recovery/salvage-commands.ts';

/**
 * The commands that bring the data back, the safe one first.
 *
 * @param rows true when SQL can put the rows back, those of `schema` and `table` where one was asked for
 */
export function nextCommands(
  { id, objects }: Pick<Incident, 'id' | 'objects'>,
  {
    rows,
    schema,
    table,
  }: { readonly rows: boolean; readonly schema?: string | undefined; readonly table?: string | undefined },
): string[] {
  const chosen = [
    ...(schema === undefined ? [] : [` --schema ${shellWord(schema)}`]),
    ...(table === undefined ? [] : [` --table ${shellWord(table)}`]),
  ].join('');
  const undo = `lastgood incidents show ${id}${chosen} --rows-as sql --out ${id}.sql`;
  return [
    `lastgood plan --before ${id}`,
    `lastgood restore --before ${id} --datadir /path/to/new/folder`,
    ...salvageCommands({ id, objects }),
    ...(rows ? [undo] : []),
  ];
}
