import { LastgoodError } from '../../platform/errors.ts';
import type { AlertMessage } from './alert-message.ts';

const TIMEOUT_MS = 10_000;

/** Where a webhook is, without its path, which may be a secret. */
export function webhookPlace(url: string): string {
  return new URL(url).origin;
}

/**
 * Posts a message as JSON. `Idempotency-Key` is the message's key: a receiver that keeps it never acts twice.
 *
 * @throws LastgoodError `TOOL_FAILED` when nothing answers in time, or with another status than 2xx
 */
export async function postAlert(url: string, message: AlertMessage, signal: AbortSignal): Promise<void> {
  const response = await ask(url, signal, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Idempotency-Key': message.key,
      'User-Agent': 'lastgood',
    },
    body: JSON.stringify(message),
  });
  if (!response.ok)
    throw new LastgoodError('TOOL_FAILED', `the webhook at ${webhookPlace(url)} answered ${response.status}`);
}

/** Asks for nothing: whatever it answers, it can be reached. @throws LastgoodError `TOOL_FAILED` when nothing answers in time */
export async function reachWebhook(url: string, signal: AbortSignal): Promise<void> {
  await ask(url, signal, { method: 'HEAD' });
}

async function ask(url: string, signal: AbortSignal, request: RequestInit): Promise<Response> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    // Not followed: who moves a webhook must say so in the configuration.
    const response = await fetch(url, { redirect: 'manual', ...request, signal: limit });
    await response.body?.cancel();
    return response;
  } catch (cause) {
    throw new LastgoodError(
      'TOOL_FAILED',
      `the webhook at ${webhookPlace(url)} cannot be reached: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** fetch says 'fetch failed', and why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ');
  return cause instanceof Error ? cause.message : error.message;
}
