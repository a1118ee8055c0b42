import type { ByteSource } from '../binlog/read-binlog.ts';

/** The same source, ending after `limit` bytes: what is behind is not to be trusted. */
export function firstBytes(source: ByteSource, limit: number): ByteSource {
  let left = limit;
  return {
    read: async (target, at) => {
      if (left === 0) return 0;
      const got = Math.min(left, await source.read(target, at));
      left -= got;
      return got;
    },
  };
}
