import type { Incident } from '../../incident/incident.ts';
import { salvageCommands } from '../../recovery/salvage-commands.ts';

/** The commands that bring the data back, the safe one first. @param rows true when the log holds the rows themselves */
export function nextCommands(
  { id, objects }: Pick<Incident, 'id' | 'objects'>,
  { rows }: { readonly rows: boolean },
): string[] {
  const undo = `lastgood incidents show ${id} --rows-as sql --out ${id}.sql`;
  return [
    `lastgood plan --before ${id}`,
    `lastgood restore --before ${id} --datadir /path/to/new/folder`,
    ...salvageCommands({ id, objects }),
    ...(rows ? [undo] : []),
  ];
}
