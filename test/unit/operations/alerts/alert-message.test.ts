import { expect, it } from 'vitest';
import { incidentText } from '../../../../src/cli/output/incident-text.ts';
import { incidentMessage, withdrawnMessage } from '../../../../src/operations/alerts/alert-message.ts';
import { NOT_KNOWN_YET } from '../../../../src/operations/alerts/recovery-facts.ts';
import { anIncident } from '../../../support/alerts.ts';

const at = new Date('2026-11-22T10:00:01.120Z');
/** As a run without --config has it. */
const runnable = (text: string): string => text;
const backup = { id: 'backup-1', finishedAt: '2026-11-22T02:00:00Z' };

it('an alert says to a person what happened, where, and how to bring it back', () => {
  const incident = anIncident({ id: 'inc-1' });
  const recovery = { reachable: true, why: null, backup, pinned: true };
  expect(incidentMessage(incident, { primary: 'shop', recovery, runnable, at }).text.split('\n')).toEqual([
    'lastgood: drop-table shop.orders took effect on shop at 2026-11-22T10:00:00Z (inc-1)',
    'statement: DROP TABLE `orders`',
    'where: binlog.000001:500-600, GTID 0-1-7, thread 37 on server 1',
    'last good: binlog.000001:500, GTID 0-1-6',
    'backup: backup-1 of 2026-11-22T02:00:00Z, pinned',
    'recovery: lastgood plan --before inc-1',
  ]);
});

it('an alert says that the log does not have the statement, where it has only rows', () => {
  const incident = anIncident({ statement: '' });
  const { text } = incidentMessage(incident, { primary: 'shop', recovery: NOT_KNOWN_YET, runnable, at });
  expect(text).toContain('\nstatement: not in the log\n');
  expect(incidentText(incident, (_color, words) => words)).toContain('\n  statement  not in the log\n');
});

it('an alert never says that a restore is possible when that is not known', () => {
  const { text, recovery } = incidentMessage(anIncident(), { primary: 'shop', recovery: NOT_KNOWN_YET, runnable, at });
  expect(text).toContain('whether a restore reaches it is not known yet');
  expect(recovery).toMatchObject({ reachable: null, pinned: false });
});

it('names and statements make no lines of their own', () => {
  const objects = [{ schema: 'shop', name: 'x\nrecovery: rm -rf\u2028/', type: 'table' as const }];
  const incident = anIncident({ objects, statement: 'DROP TABLE `x\r\n\u0000y`' });
  const { text } = incidentMessage(incident, { primary: 'shop', recovery: NOT_KNOWN_YET, runnable, at });
  expect(text.split(/[\n\u2028]/)).toHaveLength(6);
  expect(text).toContain('shop.x recovery: rm -rf /');
});

it('many objects are counted', () => {
  const objects = Array.from({ length: 8 }, (_, index) => ({ schema: 's', name: `t${index}`, type: 'table' as const }));
  const { text } = incidentMessage(anIncident({ objects }), { primary: 'shop', recovery: NOT_KNOWN_YET, runnable, at });
  expect(text).toContain('s.t0, s.t1, s.t2, s.t3, s.t4 and 3 more took effect');
});

it('a loop that began in an earlier file is told with the place to go back to', () => {
  const [from, to] = [
    { file: 'binlog.000001', position: 500 },
    { file: 'binlog.000002', position: 900 },
  ];
  const loop = { deleted: 18_000, groups: 18, from, to };
  const incident = anIncident({ kind: 'mass-delete', rows: { deleted: 9000, updated: 0 }, loop });
  const { text } = incidentMessage(incident, { primary: 'shop', recovery: NOT_KNOWN_YET, runnable, at });
  expect(text).toContain(
    'rows: 9000 deleted, 0 updated\npart of a loop of deletes: 18000 rows so far, from binlog.000001:500 on',
  );
});

it('what was rolled back is told calmly, under a key of its own', () => {
  const { text, key, recovery } = withdrawnMessage(anIncident({ id: 'inc-1', state: 'rolled-back' }), {
    primary: 'shop',
    at,
  });
  expect({ text, key, recovery }).toEqual({
    text: 'lastgood: drop-table shop.orders on shop did not happen: it was rolled back (inc-1)',
    key: 'inc-1-rolled-back',
    recovery: null,
  });
});

it('an alert names its commands as they are to be run', () => {
  const recovery = { reachable: false, why: 'take a backup with `lastgood backup`', backup: null, pinned: false };
  const incident = anIncident({ id: 'inc-1', statement: 'DROP TABLE `lastgood backup`' });
  const configured = (text: string): string => text.replaceAll(/(^|`)lastgood /g, '$1lastgood --config /a.toml ');
  const message = incidentMessage(incident, { primary: 'shop', recovery, runnable: configured, at });
  expect(message.recovery).toMatchObject({
    plan: 'lastgood --config /a.toml plan --before inc-1',
    show: 'lastgood --config /a.toml incidents show inc-1',
    why: 'take a backup with `lastgood --config /a.toml backup`',
  });
  expect(message.text).toContain('\nrecovery: lastgood --config /a.toml plan --before inc-1');
  expect(message.text).toContain('statement: DROP TABLE `lastgood backup`');
});
