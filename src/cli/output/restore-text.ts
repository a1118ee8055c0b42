import type { RehearseResult } from '../../operations/rehearse.ts';
import type { RestoreResult } from '../../operations/restore.ts';
import { oneLine } from '../../platform/visible.ts';
import { shellWord } from '../../platform/shell-word.ts';
import { describeAppliers } from '../../recovery/appliers.ts';
import type { Cli } from '../cli.ts';
import { formatCount, formatNumber, formatSeconds } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** What was restored, the proof of it, how long it took, and where the server is. */
export function restoreText(result: RestoreResult, paint: Paint): string {
  const { plan, server, proof, seconds, warnings } = result;
  const { resolved } = plan.target;
  return [
    formatFacts([
      ['restored to', `${resolved.file}:${resolved.position}, ${formatTime(resolved.time)}`],
      ['cut', resolved.between],
      ...(server.kind === 'existing' ? existingFacts(result) : newServerFacts(server)),
      ...resumedFacts(result),
      ['took', secondsText(seconds)],
    ]),
    '',
    proofText(proof, paint),
    ...warningLines([...plan.warnings, ...warnings], paint),
    '',
    ...nextSteps(server),
    ...handOverLines(result),
  ].join('\n');
}

/** The report has the commands as well: here they are for who reads no file at three in the morning. */
function handOverLines({ handOver, report, server }: RestoreResult): string[] {
  const { promote, follow } = handOver;
  const mind = follow.mind === null ? [] : [`  # Mind: ${oneLine(follow.mind)}`];
  return [
    'To let it take the place of the primary (nothing of it is done):',
    ...promote.flatMap((step) => stepLines(step, server)),
    'To make it a replica of the primary instead:',
    ...mind,
    ...follow.steps.flatMap((step) => stepLines(step, server)),
    ...(report === null ? [] : [`Report: ${report.html}`]),
  ];
}

function stepLines({ say, where, run }: RestoreResult['handOver']['promote'][number], server: HandedOver): string[] {
  const command = where === 'shell' ? run : inClient(run, server);
  return [`  # ${oneLine(say)}`, `  ${oneLine(command)}`];
}

/** A password is no argument of a program, which everybody on the machine can read. */
function inClient(run: string, server: HandedOver): string {
  const quoted = `"${run.replaceAll(/["\\$`]/g, String.raw`\$&`)}"`;
  return run.includes('<password>')
    ? `printf '%s' ${quoted} | ${clientOf(server)}`
    : `${clientOf(server)} -e ${quoted}`;
}

/** For a shell of this machine. */
function clientOf({ socket, reached }: HandedOver): string {
  return reached === undefined
    ? `mariadb --socket=${shellWord(socket)}`
    : `mariadb --protocol=tcp --host=${shellWord(reached.host)} --port=${reached.port}`;
}

type HandedOver = RestoreResult['server'];
type Facts = (readonly [string, string])[];

function resumedFacts({ resumed, plan }: RestoreResult): Facts {
  if (resumed === null) return [];
  const { groups, anew } = resumed;
  const kept = `${formatCount(groups, 'transaction')} of ${formatNumber(plan.groups)} were there`;
  return [['resumed', oneLine(anew === null ? kept : `the backup was loaded again: ${anew}`)]];
}

function newServerFacts({ pid, datadir, socket, port }: RestoreResult['server']): Facts {
  const started = pid === null ? 'stopped' : `running, process ${pid}`;
  return [
    ['server', `${started}, in ${datadir}`],
    ['socket', socket],
    ['port', `127.0.0.1:${port}`],
  ];
}

/** What was set for the restore is of interest only to whoever finds something odd: by name. */
function existingFacts({ server: { datadir, socket, port }, appliers, borrowed }: RestoreResult): Facts {
  return [
    ['server', `the one that was there, in ${datadir}`],
    ['socket', socket],
    ['port', String(port)],
    ['replayed by', appliers === null ? 'a session' : describeAppliers(appliers)],
    ['set and put back', borrowed.map(({ name }) => name).join(', ')],
  ];
}

/** Each is to be pasted as it stands. */
function nextSteps(server: RestoreResult['server']): string[] {
  const { kind, pid, datadir } = server;
  const look = `  ${clientOf(server)}`;
  if (kind === 'existing') return ['To look at it, with the accounts of the primary:', look];
  const start = `  mariadbd --defaults-file=${shellWord(`${datadir}/lastgood.cnf`)}`;
  if (pid === null) return ['To start it:', start];
  return [
    'To look at it, with the accounts of the primary:',
    look,
    'To stop it:',
    `  kill ${pid}`,
    'To start it again:',
    start,
  ];
}

/** What was rehearsed, the proof of it and how long it took; the server is gone. */
export function rehearseText(result: RehearseResult, paint: Paint): string {
  const { plan, proof, seconds, warnings, rehearsal, report } = result;
  const { resolved } = plan.target;
  return [
    formatFacts([
      ['rehearsal', rehearsal.id],
      ['restored to', `${resolved.file}:${resolved.position}, ${formatTime(resolved.time)}`],
      ['backup', plan.backup.id],
      ['took', secondsText(seconds)],
      ['report', report.markdown],
    ]),
    '',
    proofText(proof, paint),
    ...warningLines([...plan.warnings, ...warnings], paint),
  ].join('\n');
}

function warningLines(warnings: readonly string[], paint: Paint): string[] {
  return warnings.map((warning) => paint('yellow', `warning: ${oneLine(warning)}`));
}

/** Every check, also those that held: that is what a proof is. */
function proofText({ ok, checks, tables }: RestoreResult['proof'], paint: Paint): string {
  const lines = checks.map(({ check, ok: held, found }) => {
    const mark = held ? paint('green', 'ok  ') : paint('red', 'FAIL');
    return `  ${mark}  ${oneLine(`${check}: ${found}`)}`;
  });
  const verdict = ok ? paint('green', 'proven') : paint('red', 'not proven');
  return [`${verdict}: ${formatCount(checks.length, 'check')}, ${formatCount(tables.length, 'table')}`, ...lines].join(
    '\n',
  );
}

function secondsText({ load, replay, proof, total }: RestoreResult['seconds']): string {
  const steps = `load ${formatSeconds(load)}, replay ${formatSeconds(replay)}, proof ${formatSeconds(proof)}`;
  return `${formatSeconds(total)} (${steps})`;
}
