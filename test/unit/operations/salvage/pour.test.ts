import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { pour } from '../../../../src/operations/salvage/pour.ts';

const channel = (): PassThrough => new PassThrough({ highWaterMark: 16 });

async function collect(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}

describe('pour', () => {
  it('hands everything over, in order, also what is larger than the channel', async () => {
    const pieces = Array.from({ length: 100 }, (_, at) => `${at},`.repeat(10));
    const produce = async (write: (piece: string) => Promise<void>): Promise<void> => {
      for (const piece of pieces) await write(piece);
    };
    expect(await pour(channel(), produce, collect)).toBe(pieces.join(''));
  });

  it("ends the reader with the writer's error", async () => {
    let reader: unknown = null;
    const produce = async (write: (piece: string) => Promise<void>): Promise<void> => {
      await write('a');
      throw new Error('the dump failed');
    };
    const consume = async (chunks: AsyncIterable<Buffer>): Promise<string> => {
      try {
        return await collect(chunks);
      } catch (error) {
        reader = error;
        throw error;
      }
    };
    await expect(pour(channel(), produce, consume)).rejects.toThrow('the dump failed');
    expect(reader).toBeInstanceOf(Error);
  });

  it("ends a writer that nobody reads with the reader's error", async () => {
    const produce = async (write: (piece: string) => Promise<void>): Promise<void> => {
      for (;;) await write('x'.repeat(100));
    };
    await expect(pour(channel(), produce, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    await expect(pour(channel(), produce, () => Promise.resolve('early'))).rejects.toThrow('ended before the dump did');
  });
});
