import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/incident/incident.ts';
import { EVERY_ALTER, settle as settleOver, type Settlement } from '../../../src/incident/settlement.ts';
import { anIncident, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const KEY = "XA X'616263',X'',1";

function incidentAt(start: number, change: Partial<Incident> = {}): Incident {
  const place = { start, end: start + 50, time: TEN_O_CLOCK };
  return anIncident(place, { file: 'binlog.000001', state: 'pending', awaits: KEY, ...change });
}

function settlementAt(start: number, change: Partial<Settlement> = {}): Settlement {
  const time = '2026-11-22T10:00:05Z';
  return {
    key: KEY,
    state: 'effective',
    file: 'binlog.000001',
    start,
    end: start + 20,
    gtid: '0-1-9',
    time,
    ...change,
  };
}

/** Of a log without holes. */
function settle(incidents: readonly Incident[], settlements: readonly Settlement[]): Incident[] {
  return settleOver(incidents, settlements, () => true);
}

function states(incidents: readonly Incident[]): string[] {
  return incidents.map(({ file, start, state, settledBy }) => {
    return `${file.slice(-1)}:${start} ${state}${settledBy === null ? '' : ` by ${settledBy.file.slice(-1)}:${settledBy.start}`}`;
  });
}

describe('settling incidents', () => {
  it('leaves them as they are without a settlement', () => {
    const pending = incidentAt(100);
    expect(settle([pending], [])).toEqual([pending]);
    expect(settle([pending], [settlementAt(200, { key: "XA X'62',X'',1" })])).toEqual([pending]);
  });

  it('tells which group decided, and keeps the place of the first', () => {
    const settled = { file: 'binlog.000002', start: 200, end: 220, gtid: '0-1-9', time: '2026-11-22T10:00:05Z' };
    const [incident] = settle([incidentAt(100)], [settlementAt(200, { file: 'binlog.000002' })]);
    expect(incident).toEqual({ ...incidentAt(100), state: 'effective', settledBy: settled });
  });

  it('does not decide about what comes after it', () => {
    expect(states(settle([incidentAt(100)], [settlementAt(50)]))).toEqual(['1:100 pending']);
  });

  it('decides once, about the newest before it: ids are used again', () => {
    const incidents = [100, 300, 500].map((start) => incidentAt(start));
    const settlements = [settlementAt(600, { state: 'rolled-back' }), settlementAt(200)];
    const expected = ['1:100 effective by 1:200', '1:300 pending', '1:500 rolled-back by 1:600'];
    expect(states(settle(incidents, settlements))).toEqual(expected);
    expect(states(settle(incidents.toReversed(), settlements.toReversed()))).toEqual(expected);
  });

  it('leaves unknown what may have taken effect before it was rolled back', () => {
    const unknown = incidentAt(100, { state: 'unknown' });
    expect(states(settle([unknown], [settlementAt(200, { state: 'rolled-back' })]))).toEqual([
      '1:100 unknown by 1:200',
    ]);
    expect(states(settle([unknown], [settlementAt(200)]))).toEqual(['1:100 effective by 1:200']);
    const unread = incidentAt(100, { kind: 'unclassified' });
    expect(states(settle([unread], [settlementAt(200)]))).toEqual(['1:100 unknown by 1:200']);
  });

  it('drops what only repeats an earlier incident, and keeps it when there is no earlier one', () => {
    const key = 'ALTER 0-26';
    const end = settlementAt(10, { key, file: 'binlog.000002' });
    const repeated = incidentAt(10, { file: 'binlog.000002', state: 'effective', awaits: null });
    const began = incidentAt(100, { awaits: key });
    expect(states(settle([began, repeated], [end]))).toEqual(['1:100 effective by 2:10']);
    expect(states(settle([repeated], [end]))).toEqual(['2:10 effective']);
  });

  it('undoes every ALTER that had begun when the server starts, and no prepared transaction', () => {
    const start = settlementAt(4, { key: EVERY_ALTER, state: 'rolled-back', file: 'binlog.000002' });
    const alters = ['ALTER 0-26', 'ALTER 1-3'].map((awaits, index) => incidentAt(100 + index, { awaits }));
    expect(states(settle([...alters, incidentAt(200)], [start]))).toEqual([
      '1:100 rolled-back by 2:4',
      '1:101 rolled-back by 2:4',
      '1:200 pending',
    ]);
  });

  it('decides nothing over a hole: behind it the id may be of another transaction', () => {
    const pending = incidentAt(100);
    const rollback = settlementAt(200, { state: 'rolled-back', file: 'binlog.000003' });
    const asked: string[] = [];
    const isUnbroken = (from: string, to: string): boolean => {
      asked.push(`${from} ${to}`);
      return from === to;
    };
    expect(settleOver([pending], [rollback], isUnbroken)).toEqual([pending]);
    expect(asked).toEqual(['binlog.000001 binlog.000003']);
    const again = incidentAt(300, { file: 'binlog.000003' });
    const commit = settlementAt(400, { file: 'binlog.000003' });
    expect(states(settleOver([pending, again], [rollback, commit], isUnbroken))).toEqual([
      '1:100 pending',
      '3:300 effective by 3:400',
    ]);
  });

  it('keeps the text at the end of an ALTER whose beginning lies behind a hole', () => {
    const key = 'ALTER 0-26';
    const end = settlementAt(10, { key, file: 'binlog.000003' });
    const repeated = incidentAt(10, { file: 'binlog.000003', state: 'effective', awaits: null });
    expect(states(settleOver([incidentAt(100, { awaits: key }), repeated], [end], () => false))).toEqual([
      '1:100 pending',
      '3:10 effective',
    ]);
  });
});
