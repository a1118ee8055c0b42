import type { SalvagedObject, SalvageResult } from '../../operations/salvage.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { formatBytes, formatCount, formatNumber, formatSeconds } from './quantity.ts';
import { formatFacts, formatTable } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** What was brought back and where it is, and above all what was not. */
export function salvageText(result: SalvageResult, paint: Paint): string {
  const { plan, salvaged, notCarried, warnings, seconds } = result;
  const { resolved } = plan.target;
  const lost = notCarried.map(({ type, name, why }) => `not carried over: ${type} ${name}: ${why}`);
  return [
    formatFacts([
      ['as of', `${resolved.file}:${resolved.position}, ${formatTime(resolved.time)}`],
      ['cut', resolved.between],
      ['only', scopeText(result)],
      placeFact(result),
      ['proof', proofText(result)],
      ['took', `${formatSeconds(seconds.total)} (restore ${formatSeconds(seconds.total - seconds.salvage)})`],
    ]),
    '',
    objectsTable(salvaged),
    ...[...lost, ...plan.warnings.map(warned), ...warnings.map(warned)].map((line) => paint('yellow', oneLine(line))),
    ...definerLines(result),
    ...grantLines(result),
  ].join('\n');
}

function warned(warning: string): string {
  return `warning: ${warning}`;
}

function placeFact({ out, into }: SalvageResult): [string, string] {
  if (into !== null) return ['into', `schema ${into.schema} of the ${into.server}`];
  return ['dump', `${out?.path ?? 'stdout'} (${formatBytes(out?.bytes ?? 0)})`];
}

/** Bytes of the log: how much of the backup was left out nobody counts. */
function scopeText({ filtered, unfilteredBecause }: SalvageResult): string {
  if (filtered === null) return `no, everything was restored: ${oneLine(unfilteredBecause ?? '')}`;
  const { schemas, groups, bytes } = filtered;
  const left = `${formatCount(groups, 'transaction')} (${formatBytes(bytes)}) of others left out`;
  return `${schemas.length === 1 ? 'schema' : 'schemas'} ${oneLine(schemas.join(', '))}; ${left}`;
}

function proofText({ proof, out, salvaged }: SalvageResult): string {
  const restored = `the restore held ${formatCount(proof.checks.length, 'check')}`;
  const tables = salvaged.filter(({ checksum }) => checksum !== null).length;
  const equal = `${formatCount(tables, 'table')} equal there by checksum and count`;
  return `${restored}; ${out === null ? equal : `the dump was loaded: ${equal}`}`;
}

function objectsTable(objects: readonly SalvagedObject[]): string {
  return formatTable(
    [{ title: 'object' }, { title: 'type' }, { title: 'rows', align: 'right' }, { title: 'checksum', align: 'right' }],
    objects.map(({ schema, name, type, rows, checksum }) => [
      oneLine(`${schema}.${name}`),
      type,
      rows === null ? '' : formatNumber(rows),
      checksum ?? '',
    ]),
  );
}

/** A live server says itself which it lacks. */
function definerLines({ definers, into }: SalvageResult): string[] {
  if (into !== null || definers.length === 0) return [];
  const title = 'Definers of its views, triggers, routines and events, which should exist where it is loaded:';
  return ['', title, ...definers.map((definer) => `  ${oneLine(definer)}`)];
}

/** Those that were not given are to be pasted. */
function grantLines({ grants }: SalvageResult): string[] {
  if (grants.statements.length === 0) return [];
  const title = grants.given
    ? 'Privileges on it:'
    : 'Privileges on it at that point, to be given by hand where wanted:';
  return ['', title, ...grants.statements.map((statement) => `  ${oneLine(statement)};`)];
}
