import { expect, it } from 'vitest';
import type { IncidentObject } from '../../../../src/incident/incident.ts';
import { nextCommands } from '../../../../src/operations/evidence/next-commands.ts';

const table = (schema: string, name: string): IncidentObject => ({ schema, name, type: 'table' });
const salvages = (objects: readonly IncidentObject[]): string[] =>
  nextCommands({ id: 'inc-1', objects }, { rows: true }).filter((command) => command.startsWith('lastgood salvage'));

it('names what was lost, one command for each schema', () => {
  expect(salvages([{ schema: 'shop', name: null, type: 'database' }])).toEqual([
    'lastgood salvage --before inc-1 --schema shop --out salvage-inc-1.sql.zst',
  ]);
  expect(salvages([table('shop', 'orders'), table('shop', 'it`s "new"'), table('crm', "a'b")])).toEqual([
    `lastgood salvage --before inc-1 --schema shop --table orders --table 'it\`s "new"' --out salvage-inc-1-1.sql.zst`,
    String.raw`lastgood salvage --before inc-1 --schema crm --table 'a'\''b' --out salvage-inc-1-2.sql.zst`,
  ]);
});

it('means the whole schema where it is not tables that were lost, or too many of them', () => {
  const whole = ['lastgood salvage --before inc-1 --schema shop --out salvage-inc-1.sql.zst'];
  expect(salvages([{ schema: 'shop', name: 'p', type: 'routine' }])).toEqual(whole);
  expect(salvages(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => table('shop', name)))).toEqual(whole);
});

it('makes SQL of the tables that were asked for, and of none where that cannot be', () => {
  const undo = (options: Parameters<typeof nextCommands>[1]): string | undefined =>
    nextCommands({ id: 'inc-1', objects: [] }, options).find((command) => command.includes('--rows-as'));
  expect(undo({ rows: true })).toBe('lastgood incidents show inc-1 --rows-as sql --out inc-1.sql');
  expect(undo({ rows: true, schema: 'shop', table: "a'b" })).toBe(
    String.raw`lastgood incidents show inc-1 --schema shop --table 'a'\''b' --rows-as sql --out inc-1.sql`,
  );
  expect(undo({ rows: false, schema: 'shop' })).toBeUndefined();
});

it('has nothing to salvage of an account', () => {
  expect(salvages([{ schema: '', name: 'ann@localhost', type: 'user' }])).toEqual([]);
  expect(nextCommands({ id: 'inc-1', objects: [] }, { rows: false })).toHaveLength(2);
});
