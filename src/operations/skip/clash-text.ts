import { oneLine } from '../../platform/visible.ts';
import type { DescribedGroup } from '../evidence/group-describer.ts';
import type { Clash, ShownImage } from './clash.ts';

/** Says for a person which group could not be applied, and which rows clash. */
export function clashText({ gtid, file, start, statements }: DescribedGroup, clash: Clash | null): string {
  const group = `transaction ${gtid === null ? '' : `${gtid} `}at ${file}:${start}`;
  if (clash === null) return [group, ...statements.map(oneLine)].join(', ');
  const { schema, table, kind, brings, has } = clash;
  const what = { insert: 'inserts', update: 'updates', delete: 'deletes' }[kind];
  const row = brings.map(imageText).join(' to ');
  const there = has === null ? 'the target has no such row' : `the target has ${imageText(has)}`;
  return `${group} ${what} in ${schema}.${table} ${row}; ${there}`;
}

/** Of wide rows the beginning. */
const MOST_CHARACTERS = 1000;

function imageText(image: ShownImage): string {
  const text = oneLine(
    `(${Object.entries(image)
      .map(([name, value]) => `${name}: ${value ?? 'NULL'}`)
      .join(', ')})`,
  );
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}
