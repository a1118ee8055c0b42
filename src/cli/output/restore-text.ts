import type { RehearseResult } from '../../operations/rehearse.ts';
import type { RestoreResult } from '../../operations/restore.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { formatCount, formatSeconds } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** What was restored, the proof of it, how long it took, and where the server is. */
export function restoreText({ plan, server, proof, seconds, warnings }: RestoreResult, paint: Paint): string {
  const { resolved } = plan.target;
  const started = server.pid === null ? 'stopped' : `running, process ${server.pid}`;
  return [
    formatFacts([
      ['restored to', `${resolved.file}:${resolved.position}, ${formatTime(resolved.time)}`],
      ['cut', resolved.between],
      ['server', `${started}, in ${server.datadir}`],
      ['socket', server.socket],
      ['port', `127.0.0.1:${server.port}`],
      ['took', secondsText(seconds)],
    ]),
    '',
    proofText(proof, paint),
    ...warningLines([...plan.warnings, ...warnings], paint),
    '',
    ...nextSteps(server),
  ].join('\n');
}

/** Each is to be pasted as it stands. */
function nextSteps({ pid, datadir, socket }: RestoreResult['server']): string[] {
  const start = `  mariadbd --defaults-file=${datadir}/lastgood.cnf`;
  if (pid === null) return ['To start it:', start];
  return [
    'To look at it, with the accounts of the primary:',
    `  mariadb --socket=${socket}`,
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
