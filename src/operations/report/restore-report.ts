import { formatCoordinates } from '../../binlog/coordinates.ts';
import type { Incident } from '../../incident/incident.ts';
import { objectName } from '../../incident/object-name.ts';
import { formatBytes } from '../../platform/byte-size.ts';
import { describeAppliers } from '../../recovery/appliers.ts';
import { describeObject, findObject } from '../../recovery/proof-objects.ts';
import type { HandOver } from '../hand-over.ts';
import type { Restored } from '../restore.ts';
import type { ReportPage, Section } from './blocks.ts';
import type { BehindCut } from './left-behind-cut.ts';

/** All that a report tells; also its JSON form. */
export interface ReportFacts extends Restored {
  readonly kind: 'restore' | 'rehearsal';
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** What the target is named after. */
  readonly incident: Incident | null;
  /** null where it could not be counted. */
  readonly behindCut: BehindCut | null;
  /** null for a server that is gone, or whose proof failed. */
  readonly handOver: HandOver | null;
}

/** The report as a page: what happened, what was lost, what was restored, the proof, and what can be done now. Pure. */
export function reportPage(facts: ReportFacts): ReportPage {
  const { plan, proof, kind } = facts;
  const works = kind === 'rehearsal' ? 'the restore works' : 'restored and proven';
  const fails = kind === 'rehearsal' ? 'THE RESTORE FAILED ITS PROOF' : 'NOT PROVEN: do not use the server';
  const name = kind === 'rehearsal' ? 'Rehearsal' : 'Restore';
  return {
    title: `${name} to ${formatCoordinates(plan.target.resolved)}`,
    ok: proof.ok,
    verdict: `${proof.ok ? works : fails}: ${proof.checks.filter(({ ok }) => ok).length} of ${proof.checks.length} checks hold`,
    sections: [happened(facts), lost(facts), restored(facts), proven(facts), ...next(facts)],
  };
}

function happened({ incident, plan }: ReportFacts): Section {
  const shown = [...(incident === null ? [] : [incident]), ...plan.skipped];
  const none = 'The target names no incident.';
  return {
    title: 'What happened',
    blocks:
      shown.length === 0
        ? [{ kind: 'text', text: none }]
        : shown.map((one) => ({ kind: 'facts', facts: incidentFacts(one, plan.skipped.includes(one)) })),
  };
}

function incidentFacts(incident: Incident, isSkipped: boolean): (readonly [string, string])[] {
  const { id, kind, objects, statement, gtid, file, start, time, threadId, serverId, rows } = incident;
  const deleted = rows.deleted + rows.updated;
  return [
    ['incident', `${id}, ${kind} of ${objects.map(objectName).join(', ')}`],
    ['statement', statement],
    ['when', time],
    ['by', `thread ${threadId ?? 'unknown'} of server ${serverId}`],
    ['in the log', `${gtid ?? 'without GTID'} at ${formatCoordinates({ file, position: start })}`],
    ...(deleted === 0 ? [] : [['rows', `${rows.deleted} deleted, ${rows.updated} updated`] as const]),
    [
      'in the restored server',
      isSkipped ? 'left out, the rest of the log is replayed' : 'not there: the cut is before it',
    ],
  ];
}

/** What it destroyed is counted where it is again. */
function lost({ incident, plan, proof, behindCut }: ReportFacts): Section {
  const back = {
    schemas: proof.tables.map(({ schema }) => schema),
    tables: proof.tables,
    settings: plan.backup.settings,
  };
  const objects = [...(incident === null ? [] : [incident]), ...plan.skipped].flatMap((one) => one.objects);
  const items = objects
    .filter(({ type }) => type === 'database' || type === 'table')
    .map((object) => `${describeObject(object)}: in the restored server ${findObject(object, back).found}`);
  return {
    title: 'What was lost',
    blocks: [
      ...(items.length === 0 ? [] : [{ kind: 'list', items } as const]),
      { kind: 'text', text: behindText(behindCut) },
      ...conflictBlocks(plan),
    ],
  };
}

function behindText(behind: BehindCut | null): string {
  if (behind === null) return 'How much stands in the log behind the cut is not known.';
  const end = formatCoordinates(behind);
  if (behind.groups === 0) return `Nothing stands in the archive behind the cut: it ends there, at ${end}.`;
  const stands = behind.groups === 1 ? '1 transaction stands' : `${behind.groups} transactions stand`;
  return `${stands} in the archive behind the cut, up to ${end}. They are not in the restored server.`;
}

function conflictBlocks({ conflicts }: ReportFacts['plan']): Section['blocks'] {
  if (conflicts.length === 0) return [];
  const rows = conflicts.map(({ skipped, gtid, object, why }) => [skipped, gtid ?? '', object, why]);
  return [
    { kind: 'text', text: 'What later transactions may miss, because of what was left out:' },
    { kind: 'table', head: ['left out', 'met by', 'object', 'why'], rows },
  ];
}

function restored({ plan, proof, seconds, appliers, startedAt, finishedAt, server, kind }: ReportFacts): Section {
  const { resolved } = plan.target;
  const place =
    kind === 'rehearsal'
      ? []
      : [['server', `${server.datadir}, socket ${server.socket}, port ${server.port}`] as const];
  return {
    title: 'What was restored',
    blocks: [
      {
        kind: 'facts',
        facts: [
          ['cut', `${formatCoordinates(resolved)} of lineage ${resolved.lineage}, ${resolved.between}`],
          ['last transaction', `${resolved.gtid ?? 'without GTID'}, ${resolved.time ?? 'time unknown'}`],
          ['backup', `${plan.backup.id}, of ${plan.backup.finishedAt}, ${formatBytes(plan.backup.bytes)}`],
          [
            'replayed',
            `${proof.appliedGroups ?? `${plan.groups} planned, not counted,`} transactions, ${formatBytes(plan.bytes)}`,
          ],
          ['replayed by', appliers === null ? 'a session' : describeAppliers(appliers)],
          ['began', startedAt],
          ['ended', finishedAt],
          ...(['load', 'replay', 'proof', 'total'] as const).map(
            (step) => [step, `${seconds[step].toFixed(1)} s`] as const,
          ),
          ...place,
        ],
      },
      {
        kind: 'table',
        head: ['lineage', 'file', 'from', 'to'],
        rows: plan.segments.map(({ lineage, file, from, to }) => [lineage, file, String(from), String(to)]),
      },
    ],
  };
}

function proven({ proof, plan, warnings }: ReportFacts): Section {
  const all = [...plan.warnings, ...warnings];
  return {
    title: 'Proof',
    blocks: [
      {
        kind: 'table',
        head: ['check', 'holds', 'found'],
        rows: proof.checks.map(({ check, ok, found }) => [check, ok ? 'yes' : 'NO', found]),
      },
      ...(all.length === 0 ? [] : [{ kind: 'list', items: all.map((warning) => `warning: ${warning}`) } as const]),
      {
        kind: 'table',
        head: ['table', 'rows', 'checksum'],
        rows: proof.tables.map(({ schema, name, rows, checksum }) => [
          `${schema}.${name}`,
          String(rows),
          checksum ?? 'unreadable',
        ]),
      },
    ],
  };
}

function next({ handOver }: ReportFacts): Section[] {
  if (handOver === null) return [];
  const { promote, follow } = handOver;
  return [
    { title: 'To let it take the place of the primary (not done)', blocks: [{ kind: 'commands', steps: promote }] },
    {
      title: 'To make it a replica of the primary (not done)',
      blocks: [
        ...(follow.mind === null ? [] : [{ kind: 'text', text: `Mind: ${follow.mind}.` } as const]),
        { kind: 'commands', steps: follow.steps },
      ],
    },
  ];
}
