import { describe, expect, it } from 'vitest';
import { AlertQueue, type QueueStep, type Single } from '../../../../src/operations/alerts/alert-queue.ts';
import { PromisedFacts } from '../../../../src/operations/alerts/recovery-facts.ts';
import { anIncident } from '../../../support/alerts.ts';

const MINUTE = 60_000;

function single(number: number): Single {
  const incident = anIncident({ start: number });
  const place = { lineage: 'shop-1', file: 'binlog.000001', position: number };
  return { kind: 'single', incident, place, recovery: new PromisedFacts() };
}

function queueOf(count: number, now = 0): AlertQueue {
  const queue = new AlertQueue();
  for (let number = 1; number <= count; number += 1) queue.add(single(number), now);
  return queue;
}

/** Takes all that is due now. */
function drain(queue: AlertQueue, now: number): QueueStep[] {
  const steps: QueueStep[] = [];
  for (;;) {
    const step = queue.next(now);
    if (step.kind === 'wait' || step.kind === 'nothing') return steps;
    steps.push(step);
    queue.done(now);
  }
}

const position = (step: QueueStep | undefined): number | undefined =>
  step?.kind === 'single' ? step.place.position : step?.kind === 'together' ? step.through.position : undefined;

describe('a queue', () => {
  it('gives one after the other, the same until it is done', () => {
    const queue = queueOf(2);
    const first = queue.next(0);
    expect(queue.next(0)).toBe(first);
    expect([position(first), queue.waiting]).toEqual([1, 2]);
    queue.done(0);
    expect([position(queue.next(0)), queue.waiting]).toEqual([2, 1]);
    queue.done(0);
    expect([queue.next(0), queue.waiting]).toEqual([{ kind: 'nothing' }, 0]);
  });

  it('tells 20 of a minute one by one, and the others together', () => {
    const queue = queueOf(500);
    const now = drain(queue, 0);
    expect(now.map(({ kind }) => kind)).toEqual(Array(20).fill('single'));
    expect(queue.next(0)).toEqual({ kind: 'wait', ms: 10_000 });
    const [together, ...more] = drain(queue, 10_000);
    expect(together).toMatchObject({ kind: 'together', count: 480, first: { start: 21 }, last: { start: 500 } });
    expect(together).toMatchObject({ through: { position: 500 }, kinds: new Map([['drop-table', 480]]) });
    expect([more, queue.waiting]).toEqual([[], 0]);
  });

  it('a steady stream never makes more than a few alerts a minute', () => {
    const queue = new AlertQueue();
    let told = 0;
    let alerts = 0;
    for (let now = 0; now <= 10 * MINUTE; now += 100) {
      if (now < 9 * MINUTE) queue.add(single(now + 1), now);
      for (const step of drain(queue, now)) {
        alerts += 1;
        told += step.kind === 'together' ? step.count : 1;
      }
    }
    expect(told).toBe(9 * 600);
    expect(alerts).toBeLessThanOrEqual(20 + 10 * 21);
  });

  it('takes little memory for any number', () => {
    const queue = queueOf(10_000);
    const [last] = drain(queue, 0).slice(-1);
    expect(position(last)).toBe(20);
    const [together] = drain(queue, MINUTE);
    expect(together?.kind === 'together' && together.ids.length).toBe(20);
  });

  it('lets singles out before an account of what came before them, also while that is held', () => {
    const queue = new AlertQueue();
    queue.hold(true);
    for (const number of [1, 2, 3]) queue.addOld(single(number), 0);
    queue.add(single(4), 0);
    queue.addOld(single(5), 0);
    expect(drain(queue, MINUTE).map(position)).toEqual([4]);
    queue.hold(false);
    expect(drain(queue, MINUTE)).toMatchObject([{ kind: 'together', count: 4, through: { position: 5 } }]);
  });

  it('tells of all at once when there is little time left', () => {
    const queue = queueOf(30);
    queue.hurry();
    expect(drain(queue, 0)).toHaveLength(21);
  });

  it('takes back what was not begun', () => {
    const queue = queueOf(2);
    const { incident } = single(2);
    expect([queue.withdraw(incident.id), queue.withdraw(incident.id)]).toEqual([true, false]);
    expect(drain(queue, 0).map(position)).toEqual([1]);
  });
});
