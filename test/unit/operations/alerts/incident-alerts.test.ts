import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lineage } from '../../../../src/archive/lineage.ts';
import type { SegmentUpdate } from '../../../../src/archive/segment-indexer.ts';
import { MEMORY, openCatalog, type Catalog } from '../../../../src/catalog/catalog.ts';
import { incidentId, type Incident } from '../../../../src/incident/incident.ts';
import type { AlertSettings } from '../../../../src/operations/alerts/alert-settings.ts';
import { IncidentAlerts } from '../../../../src/operations/alerts/incident-alerts.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';
import { waitFor } from '../../../../src/platform/wait.ts';
import { formatSeconds } from '../../../../src/platform/time.ts';
import { startAlertListener, type AlertListener } from '../../../support/alert-listener.ts';
import { anIncident } from '../../../support/alerts.ts';
import { archiveFolder } from '../../../support/archive-folder.ts';
import { silentLog } from '../../../support/archiver.ts';
import { inMemoryLog } from '../../../support/in-memory-log.ts';

const FILE = 'binlog.000001';
const TARGET = { start: { file: FILE, position: 4 }, target: { file: FILE, position: 10_000 } };

interface Scene extends AsyncDisposable {
  readonly listener: AlertListener;
  readonly lineage: Lineage;
  start(settings?: Partial<AlertSettings>): Promise<IncidentAlerts>;
  /** As the archiver does: the catalog first. */
  archive(alerts: IncidentAlerts | null, to: number, incidents: readonly Incident[], lineage?: Lineage): void;
  /** The next so many times that alerts ask the catalog for this, it fails. */
  fail(question: 'incidents' | 'backups' | 'lineages', times: number): void;
}

async function scene(): Promise<Scene> {
  const folder = await archiveFolder();
  const catalog = openCatalog(MEMORY);
  const listener = await startAlertListener();
  const { lineage } = folder;
  const failures = new Map<string | symbol, number>();
  return {
    listener,
    lineage,
    start: async (settings = {}) => {
      const all = {
        command: null,
        webhook: listener.url,
        mass: { massRows: 1000, massShare: 1 },
        rules: [],
        ...settings,
      };
      return await IncidentAlerts.open({
        repository: folder.repository,
        catalog: failingCatalog(catalog, failures),
        primary: lineage.name,
        settings: all,
        log: silentLog,
      });
    },
    archive: (alerts, to, incidents, of = lineage) => {
      const update = updateOf(to, incidents);
      catalog.record(of, update);
      alerts?.take(of, update);
    },
    fail: (question, times) => {
      failures.set(question, times);
    },
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      catalog[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function updateOf(to: number, incidents: readonly Incident[]): SegmentUpdate {
  const [segment] = inMemoryLog([[{ gtid: '0-1-1', at: 0 }]]).segments;
  if (segment === undefined) throw new Error('a log without a file');
  const digest = { ...segment.digest, indexedTo: to };
  return { digest, state: 'open', checkpoints: [], incidents, settlements: [] };
}

function failingCatalog(catalog: Catalog, failures: Map<string | symbol, number>): Catalog {
  return new Proxy(catalog, {
    get: (target, name) => {
      const left = failures.get(name) ?? 0;
      failures.set(name, left - 1);
      if (left > 0) throw new Error(`no ${String(name)}`);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const NOW = formatSeconds(Math.floor(Date.now() / 1000));
/** Of just now: news for sure. */
const news = (start: number, o: Partial<Incident> = {}): Incident => anIncident({ start, time: NOW, ...o });
const startsOf = ({ received }: AlertListener): (number | undefined)[] =>
  received.map(({ message }) => message.incident?.start);

describe('alerts', () => {
  it('are sent once for each incident, also when the same bytes are read again', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 700, [news(500)]);
    await s.listener.until(1);
    s.archive(alerts, 700, [news(500)]);
    s.archive(alerts, 900, [news(500), news(800)]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 800]);
  });

  it('of what the catalog had before the archiver was killed are sent after its next start', async () => {
    await using s = await scene();
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      s.archive(alerts, 700, [news(500)]);
      await s.listener.until(1);
    }
    s.archive(null, 900, [news(800)]); // and then it was killed
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 900, [news(500), news(800)]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 800]);
  });

  it('of what another archiver has archived first, from the same server under another name, are sent all the same', async () => {
    await using s = await scene();
    const named: Lineage = { ...s.lineage, id: 'crm-0001', name: 'crm', createdAt: '2026-01-01T00:00:00Z' };
    const copyOf = (incident: Incident): Incident => {
      const copy = { ...incident, lineage: named.id };
      return { ...copy, id: incidentId(copy) };
    };
    const [one, other] = [news(500), news(800)].map((incident) => ({ ...incident, id: incidentId(incident) }));
    if (one === undefined || other === undefined) throw new Error('no incidents');
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      s.archive(alerts, 700, [one]);
      await s.listener.until(1);
    }
    s.archive(null, 900, [one, other].map(copyOf), named);
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 900, [one, other]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 800]);
  });

  it('of what the catalog could not take are sent when it has caught up', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 700, [news(500)]);
    await s.listener.until(1);
    alerts.missed(s.lineage, updateOf(900, [news(800)]));
    s.archive(null, 900, [news(800)]);
    s.archive(alerts, 1000, []);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 800]);
  });

  it('tell a flood in a few', async () => {
    await using s = await scene();
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      const flood = Array.from({ length: 300 }, (_, index) => news(500 + index * 100));
      s.archive(alerts, 50_000, flood);
      await s.listener.until(20);
    }
    const messages = s.listener.received.map(({ message }) => message);
    expect(messages).toHaveLength(21);
    expect(messages.at(-1)?.summary).toMatchObject({ incidents: 280, kinds: { 'drop-table': 280 } });
    await using _again = await s.start();
    s.archive(_again, 60_000, [news(55_000)]);
    await s.listener.until(22);
    expect(startsOf(s.listener).at(-1)).toBe(55_000);
  });

  it('of a run of deletes wait until it is a mass, and come once then', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    for (const groups of [1, 2, 3, 4]) {
      const end = 600 + groups * 100;
      const rows = { deleted: groups * 400, updated: 0 };
      const objects = [{ schema: 'shop', name: 'orders', type: 'table' as const, rows }];
      s.archive(alerts, end, [news(500, { kind: 'mass-delete', rows, objects, groups, lastEnd: end })]);
    }
    s.archive(alerts, 2000, [news(1900)]);
    await s.listener.until(2);
    expect(s.listener.received.map(({ message }) => message.incident?.rows.deleted)).toEqual([1200, 0]);
  });

  it("do not come again from the log of a new primary, which has the old one's groups too", async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, { ...TARGET, target: { file: FILE, position: 700 } });
    s.archive(alerts, 700, [news(500)]);
    await s.listener.until(1);
    const child = { file: FILE, position: 700 };
    const handOver = { gtidState: '0-1-7', parent: child, child, stranded: 0 };
    const next: Lineage = { ...s.lineage, id: 'shop-next', parent: s.lineage.id, handOver, createdAt: NOW };
    s.archive(null, 4, [], next);
    alerts.streaming(next, TARGET);
    s.archive(alerts, 900, [news(500, { lineage: next.id }), news(800, { lineage: next.id })], next);
    await s.listener.until(2);
    expect(s.listener.received.map(({ message }) => [message.incident?.lineage, message.incident?.start])).toEqual([
      [s.lineage.id, 500],
      [next.id, 800],
    ]);
  });

  it('of long ago are news when the archive had everything before them, also after a year without any', async () => {
    await using s = await scene();
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, { ...TARGET, target: { file: FILE, position: 700 } });
      s.archive(alerts, 700, []);
    }
    s.archive(null, 900, [anIncident({ start: 800, time: '2020-01-01T00:00:00Z' })]);
    await using alerts = await s.start();
    await s.listener.until(1);
    expect(startsOf(s.listener)).toEqual([800]);
    alerts.streaming(s.lineage, TARGET);
  });

  it('of a channel that takes nothing do not keep back another one', async () => {
    await using s = await scene();
    await using folder = await makeTempDirectory('lastgood-alerts-');
    const path = join(folder.path, 'alert.json');
    s.listener.answer((response) => response.writeHead(503).end());
    await using alerts = await s.start({ command: `cat > '${path}.part' && mv '${path}.part' '${path}'` });
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 700, [news(500)]);
    await s.listener.until(1);
    const read = async (): Promise<string | false> => await readFile(path, 'utf8').catch(() => false as const);
    expect(await waitFor(read, { timeoutMs: 5000, what: 'the command to be run' })).toContain('"alert":"incident"');
    s.listener.answer((response) => response.end());
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 500]);
  });

  it('keep to a rule with a hyphen, also of what was archived before the start', async () => {
    await using s = await scene();
    const quiet = { kinds: null, schemas: null, tables: ['staging-*'], alert: false };
    const staging = [{ schema: 'shop', name: 'staging-7', type: 'table' as const }];
    s.archive(null, 900, [news(500, { objects: staging }), news(800)]);
    await using alerts = await s.start({ rules: [quiet] });
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 1200, [news(1000, { objects: staging }), news(1100)]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([800, 1100]);
  });

  it('do not come again because something before them is still pending', async () => {
    await using s = await scene();
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      s.archive(alerts, 900, [news(500, { state: 'pending', awaits: "X'78'" }), news(800)]);
      await s.listener.until(2);
    }
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 1200, [news(1100)]);
    await s.listener.until(3);
    expect(startsOf(s.listener)).toEqual([500, 800, 1100]);
  });

  it('of a run of deletes that goes on over restarts come once', async () => {
    await using s = await scene();
    for (const rows of [2400, 3600, 4800]) {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      const run = { rows: { deleted: rows, updated: 0 }, groups: rows / 10, lastEnd: rows };
      s.archive(alerts, rows, [news(500, { kind: 'mass-delete', ...run })]);
      await s.listener.until(1);
    }
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.archive(alerts, 6000, [news(5000)]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 5000]);
  });
});

describe('when the catalog fails alerts', () => {
  it('come as soon as it answers again, in the order of the log', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.fail('incidents', 2);
    s.archive(alerts, 700, [news(500)]);
    s.archive(alerts, 900, [news(800)]);
    expect(s.listener.received).toEqual([]);
    s.archive(alerts, 1000, [news(900)]);
    await s.listener.until(3);
    expect(startsOf(s.listener)).toEqual([500, 800, 900]);
  });

  it('come also when nothing more is archived', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    s.fail('incidents', 1);
    s.archive(alerts, 700, [news(500)]);
    await s.listener.until(1);
    expect(startsOf(s.listener)).toEqual([500]);
  });

  it('come after the next start: what was not looked at does not count as dealt with', async () => {
    await using s = await scene();
    {
      await using alerts = await s.start();
      alerts.streaming(s.lineage, { ...TARGET, target: { file: FILE, position: 700 } });
      s.archive(alerts, 700, [news(500)]);
      await s.listener.until(1);
      s.fail('incidents', Infinity);
      s.archive(alerts, 900, [news(800)]);
      s.archive(alerts, 1000, []);
    }
    s.fail('incidents', 0);
    await using alerts = await s.start();
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 800]);
    alerts.streaming(s.lineage, TARGET);
  });

  it.each(['incidents', 'lineages'] as const)(
    'at the start (%s) come later: nothing ends archiving',
    async (question) => {
      await using s = await scene();
      s.archive(null, 700, [news(500)]);
      s.fail(question, 1);
      await using alerts = await s.start();
      alerts.streaming(s.lineage, TARGET);
      await s.listener.until(1);
      expect(startsOf(s.listener)).toEqual([500]);
    },
  );

  it('are sent of what cannot be judged', async () => {
    await using s = await scene();
    await using alerts = await s.start();
    alerts.streaming(s.lineage, TARGET);
    const few = { deleted: 400, updated: 0 };
    const objects = [{ schema: 'shop', name: 'orders', type: 'table' as const, rows: few }];
    s.fail('backups', 1);
    s.archive(alerts, 700, [news(500, { kind: 'mass-delete', rows: few, objects })]);
    s.archive(alerts, 900, [news(800, { kind: 'mass-delete', rows: few, objects }), news(850)]);
    await s.listener.until(2);
    expect(startsOf(s.listener)).toEqual([500, 850]);
  });
});
