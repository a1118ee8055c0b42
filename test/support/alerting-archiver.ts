/**
 * An archiver with alerts in a process of its own, to be killed: `node --import tsx alerting-archiver.ts`, with ArchiverOrders as JSON
 * in LASTGOOD_TEST_ORDERS. Says 'current' on stdout when it has all that its source had.
 */
import { archive } from '../../src/operations/archive.ts';
import type { AlertSettings } from '../../src/operations/alerts/alert-settings.ts';
import type { PrimarySettings } from '../../src/operations/settings.ts';
import { createLogger } from '../../src/platform/logger.ts';

export interface ArchiverOrders {
  readonly repositoryPath: string;
  readonly primary: PrimarySettings;
  readonly alerts: AlertSettings;
}

const text = process.env['LASTGOOD_TEST_ORDERS'];
if (text !== undefined) {
  const orders = JSON.parse(text) as ArchiverOrders;
  await archive({
    ...orders,
    archive: { sync: 'group', semiSync: false, compression: 'none' },
    untilCurrent: false,
    log: createLogger({ level: 'info', pretty: false }),
    signal: new AbortController().signal,
    progress: (done, total) => {
      if (done >= total) process.stdout.write('current\n');
    },
  });
}
