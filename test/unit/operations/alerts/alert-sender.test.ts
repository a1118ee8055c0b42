import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AlertRecord, readAlertRecord } from '../../../../src/archive/alert-record.ts';
import type { AlertChannel } from '../../../../src/operations/alerts/alert-channel.ts';
import { AlertQueue, type Single } from '../../../../src/operations/alerts/alert-queue.ts';
import { AlertSender } from '../../../../src/operations/alerts/alert-sender.ts';
import { PromisedFacts } from '../../../../src/operations/alerts/recovery-facts.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';
import { waitFor } from '../../../../src/platform/wait.ts';
import { anIncident } from '../../../support/alerts.ts';
import { silentLog } from '../../../support/archiver.ts';

function single(number: number): Single {
  const place = { lineage: 'shop-1', file: 'binlog.000001', position: number };
  return { kind: 'single', incident: anIncident({ start: number }), place, recovery: new PromisedFacts() };
}

interface Scene extends AsyncDisposable {
  readonly sender: AlertSender;
  readonly record: string;
  /** Positions, in the order of the attempts. */
  readonly attempts: number[];
  send(...numbers: number[]): void;
}

/** @param tell what the channel does at its n-th attempt, from 1 on */
async function scene(tell: (attempt: number, signal: AbortSignal) => Promise<void>): Promise<Scene> {
  const folder = await makeTempDirectory('lastgood-alerts-');
  const path = join(folder.path, 'alerts-shop.jsonl');
  const record = await AlertRecord.open(path);
  const queue = new AlertQueue();
  const attempts: number[] = [];
  const channel: AlertChannel = {
    name: 'test',
    isForPeople: true,
    hint: 'Look.',
    tell: async (what, signal) => {
      attempts.push(what.kind === 'single' ? what.place.position : -what.count);
      await tell(attempts.length, signal);
    },
  };
  const sender = new AlertSender({ channel, queue, record, log: silentLog, backoff: { firstMs: 4, maxMs: 10 } });
  return {
    sender,
    record: path,
    attempts,
    send: (...numbers) => {
      for (const number of numbers) queue.add(single(number), performance.now());
      sender.wake();
    },
    async [Symbol.asyncDispose]() {
      await sender.finish(0);
      await record[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function until(attempts: readonly number[], count: number): Promise<void> {
  await waitFor(() => attempts.length >= count, { timeoutMs: 5000, intervalMs: 1, what: `${count} attempts` });
}

/** As a channel does that never answers. */
async function hang(signal: AbortSignal): Promise<void> {
  await new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('aborted'));
    });
  });
}

describe('a sender', () => {
  it('tells one after the other, and writes down that they arrived', async () => {
    await using s = await scene(() => Promise.resolve());
    s.send(1, 2);
    s.send(3);
    await s.sender.finish(5000);
    expect(s.attempts).toEqual([1, 2, 3]);
    expect((await readAlertRecord(s.record)).map(({ kind }) => kind)).toEqual(['told', 'told', 'told']);
  });

  it('tells the same again until it arrives, and the rest after it; a failure is written down once', async () => {
    await using s = await scene((attempt) => (attempt < 4 ? Promise.reject(new Error('down')) : Promise.resolve()));
    s.send(1, 2);
    await until(s.attempts, 5);
    await s.sender.finish(5000);
    expect(s.attempts).toEqual([1, 1, 1, 1, 2]);
    const lines = await readAlertRecord(s.record);
    expect(lines).toMatchObject([{ kind: 'failed', why: 'down', waiting: 2 }, { kind: 'told' }, { kind: 'told' }]);
  });

  it('ends in time also when its channel hangs, and writes nothing down then', async () => {
    await using s = await scene(async (_, signal) => {
      await hang(signal);
    });
    s.send(1);
    await until(s.attempts, 1);
    await s.sender.finish(20);
    expect(await readAlertRecord(s.record)).toEqual([]);
  });

  it('tells at its end what still gathers', async () => {
    await using s = await scene(() => Promise.resolve());
    s.send(...Array.from({ length: 25 }, (_, index) => index + 1));
    await s.sender.finish(5000);
    expect(s.attempts.slice(-1)).toEqual([-5]);
    expect((await readAlertRecord(s.record)).at(-1)).toMatchObject({ kind: 'told-together', incidents: 5 });
  });

  it('ends at once when nothing waits', async () => {
    await using s = await scene(() => Promise.resolve());
    await s.sender.finish(60_000);
    expect(s.attempts).toEqual([]);
  });
});
