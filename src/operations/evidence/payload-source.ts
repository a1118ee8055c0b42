import { PlainDecoder, ZstdDecoder, type PayloadDecoder } from '../../binlog/payload-decoder.ts';
import { parsePayloadHeader } from '../../binlog/payload-header.ts';
import type { ByteSource } from '../../binlog/read-binlog.ts';

/** The events inside a TRANSACTION_PAYLOAD event, as bytes. */
export interface PayloadSource extends ByteSource {
  /** How many there are. */
  readonly plainBytes: number;
}

/** Opens the body of a TRANSACTION_PAYLOAD event. @returns what is wrong with it, when something is */
export function openPayload(body: Buffer): PayloadSource | string {
  const header = parsePayloadHeader(body, 0, body.length);
  if (typeof header === 'string') return header;
  const { compression, end, payloadBytes, plainBytes } = header;
  if (end + payloadBytes > body.length) return `its payload cannot have ${payloadBytes} bytes`;
  const decoder = compression === 'zstd' ? new ZstdDecoder() : new PlainDecoder();
  // What does not shrink is stored as it is, and then says no other length.
  const length = plainBytes ?? (compression === 'none' ? payloadBytes : null);
  if (length === null) return 'it does not say how long it is';
  return new DecodedSource(decoder, Buffer.from(body.subarray(end, end + payloadBytes)), length);
}

class DecodedSource implements PayloadSource {
  readonly plainBytes: number;
  readonly #decoder: PayloadDecoder;
  #rest: Buffer;

  constructor(decoder: PayloadDecoder, stored: Buffer, plainBytes: number) {
    this.#decoder = decoder;
    this.#rest = stored;
    this.plainBytes = plainBytes;
  }

  read(target: Buffer, at: number): Promise<number> {
    for (;;) {
      const { produced, consumed } = this.#decoder.decode(target.subarray(at), this.#rest);
      this.#rest = this.#rest.subarray(consumed);
      if (produced > 0 || consumed === 0) return Promise.resolve(produced);
    }
  }
}
