import type { Incident } from '../../src/incident/incident.ts';
import { formatSeconds } from '../../src/platform/time.ts';
import { anIncident as incidentAt, TEN_O_CLOCK } from './in-memory-log.ts';

/** DROP TABLE shop.orders; another `start` makes it another incident. */
export function anIncident({ start = 500, ...change }: Partial<Incident> = {}): Incident {
  return incidentAt(
    { start, end: start + 100, time: TEN_O_CLOCK },
    {
      file: 'binlog.000001',
      kind: 'drop-table',
      objects: [{ schema: 'shop', name: 'orders', type: 'table' }],
      statement: 'DROP TABLE `orders`',
      gtid: '0-1-7',
      lastGood: { gtid: '0-1-6', file: 'binlog.000001', end: start, time: formatSeconds(TEN_O_CLOCK) },
      ...change,
    },
  );
}
