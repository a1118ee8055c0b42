import { describe, expect, it } from 'vitest';
import { AlertRecord } from '../../../../src/archive/alert-record.ts';
import { findUndelivered, findUnreachableWebhook } from '../../../../src/operations/alerts/alert-findings.ts';
import { startAlertListener } from '../../../support/alert-listener.ts';
import { MASS_DEFAULTS } from '../../../../src/operations/mass-threshold.ts';
import { archiveFolder } from '../../../support/archive-folder.ts';

const at = '2026-11-22T10:00:00.000Z';
const place = { lineage: 'shop-1', file: 'binlog.000001', position: 9 };

describe('what was not delivered', () => {
  it('is an error until something arrives there', async () => {
    await using folder = await archiveFolder();
    const { repository } = folder;
    await using record = await AlertRecord.open(repository.alertRecordPath('shop'));
    expect(await findUndelivered(repository, 'shop')).toEqual([]);
    for (const channel of ['webhook', 'command'])
      await record.add({ kind: 'failed', channel, why: 'it answered 500', waiting: 2, at });
    await record.add({ kind: 'told-together', channel: 'command', incidents: 2, through: place, at });
    await record.add({ kind: 'stood', ...place, current: true, at });
    expect(await findUndelivered(repository, 'shop')).toMatchObject([
      {
        severity: 'error',
        object: 'webhook',
        found: `alerts were not delivered since ${at}, when 2 waited: it answered 500`,
      },
    ]);
    await record.add({ kind: 'told', channel: 'webhook', key: 'inc-1-effective', incident: 'inc-1', at });
    expect(await findUndelivered(repository, 'shop')).toEqual([]);
  });
});

describe('the webhook', () => {
  it('is reachable when it answers, whatever it says; else an error, which does not tell its path', async () => {
    await using listener = await startAlertListener();
    const settings = { command: null, webhook: listener.url, mass: MASS_DEFAULTS, rules: [] };
    listener.answer((response) => response.writeHead(404).end());
    expect(await findUnreachableWebhook(settings)).toEqual([]);
    await listener.down();
    const [finding, ...more] = await findUnreachableWebhook(settings);
    expect([finding?.severity, more]).toEqual(['error', []]);
    expect(finding?.found).toContain('cannot be reached: connect ECONNREFUSED');
    expect(JSON.stringify(finding)).not.toContain('secret-token');
    expect(await findUnreachableWebhook({ ...settings, webhook: null })).toEqual([]);
  });
});
