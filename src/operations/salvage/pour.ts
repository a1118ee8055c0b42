import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { LastgoodError } from '../../platform/errors.ts';

/** Resolves when there is room for more. */
export type Write = (chunk: Buffer | string) => Promise<void>;

/**
 * Lets one side push what the other side pulls, through `channel`. Whichever fails first ends the other, and its error
 * is the one that is thrown.
 */
export async function pour<T>(
  channel: Duplex,
  produce: (write: Write) => Promise<void>,
  consume: (chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  channel.on('error', () => undefined); // whoever reads it gets the error, also one that comes before the first read
  const consumed = consume(channel as AsyncIterable<Buffer>);
  const ended = consumed.then(() => {
    throw new LastgoodError('TOOL_FAILED', 'the reader of the dump ended before the dump did');
  });
  ended.catch(() => undefined); // thrown by the next write, or by the last await
  const write: Write = async (chunk) => {
    if (channel.destroyed) await ended;
    if (!channel.write(chunk)) await Promise.race([once(channel, 'drain'), ended]);
  };
  try {
    await produce(write);
    channel.end();
  } catch (error) {
    channel.destroy(error instanceof Error ? error : new Error(String(error)));
    await consumed.catch(() => undefined); // it is at rest before we are
    throw error;
  }
  return await consumed;
}
