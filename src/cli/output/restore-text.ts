import type { RehearseResult } from '../../operations/rehearse.ts';
import type { RestoreResult } from '../../operations/restore.ts';
import type { Cli } from '../cli.ts';
import { formatCount, formatSeconds } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** What was restored, the proof of it, how long it took, and where the server is. */
export function restoreText({ plan, server, proof, seconds }: RestoreResult, paint: Paint): string {
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
    ...plan.warnings.map((warning) => paint('yellow', `warning: ${warning}`)),
    '',
    server.pid === null ? 'To start it:' : 'To look at it, with the accounts of the primary:',
    server.pid === null
      ? `  mariadbd --defaults-file=${server.datadir}/lastgood.cnf`
      : `  mariadb --socket=${server.socket}`,
  ].join('\n');
}

/** What was rehearsed, the proof of it and how long it took; the server is gone. */
export function rehearseText({ plan, proof, seconds, rehearsal, report }: RehearseResult, paint: Paint): string {
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
    ...plan.warnings.map((warning) => paint('yellow', `warning: ${warning}`)),
  ].join('\n');
}

/** Every check, also those that held: that is what a proof is. */
function proofText({ ok, checks, tables }: RestoreResult['proof'], paint: Paint): string {
  const lines = checks.map(({ check, ok: held, found }) => {
    const mark = held ? paint('green', 'ok  ') : paint('red', 'FAIL');
    return `  ${mark}  ${check}: ${found}`;
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
