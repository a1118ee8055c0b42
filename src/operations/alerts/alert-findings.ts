import { readAlertRecord, type AlertLine, type ChannelFailure } from '../../archive/alert-record.ts';
import type { Repository } from '../../archive/repository.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Finding } from '../finding.ts';
import type { AlertSettings } from './alert-settings.ts';
import { reachWebhook, webhookPlace } from './webhook-channel.ts';

/** What of the alerts of a primary's archiver did not arrive, as its record says. */
export async function findUndelivered(repository: Repository, primary: string): Promise<Finding[]> {
  const path = repository.alertRecordPath(primary);
  try {
    return failuresIn(await readAlertRecord(path)).map(failureFinding);
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    return [{ severity: 'error', check: 'alerts', object: path, found: error.message, fix: error.hint }];
  }
}

/** Whether the webhook answers at all: it is asked for nothing. */
export async function findUnreachableWebhook(settings: AlertSettings, signal?: AbortSignal): Promise<Finding[]> {
  const { webhook } = settings;
  if (webhook === null) return [];
  try {
    await reachWebhook(webhook, signal ?? new AbortController().signal);
    return [];
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    const fix = 'Is it up, may this machine reach it, and is incidents.alert_webhook right?';
    return [{ severity: 'error', check: 'alerts', object: webhookPlace(webhook), found: error.message, fix }];
  }
}

/** Of each channel the failure that nothing was delivered after. */
function failuresIn(lines: readonly AlertLine[]): ChannelFailure[] {
  const failing = new Map<string, ChannelFailure>();
  for (const line of lines) {
    if (line.kind === 'failed') failing.set(line.channel, line);
    else if (line.kind !== 'stood') failing.delete(line.channel);
  }
  return [...failing.values()];
}

function failureFinding({ channel, why, at, waiting }: ChannelFailure): Finding {
  const isPin = channel === 'pins';
  const what = isPin ? 'what incidents need is not pinned' : 'alerts were not delivered';
  return {
    severity: 'error',
    check: 'alerts',
    object: channel,
    found: `${what} since ${at}, when ${waiting} waited: ${why}`,
    fix: isPin
      ? 'Pin what is needed yourself: `lastgood incidents`, then `lastgood pin ID`.'
      : 'Mend what the message says; `lastgood archive` sends what waits again by itself. See `lastgood incidents` meanwhile.',
  };
}
