import type { Socket } from 'node:net';

const HEADER_BYTES = 4;
/** Logins are short, and questions of those who have signed in are not long: whoever announces more is no client of ours. */
const LONGEST_LOGIN = 16 * 1024;
const LONGEST_COMMAND = 1024 * 1024;

/** A client's packets, one after the other, and our answers. Source: MySQL 8.4 source docs, "MySQL Packets". */
export class PacketSocket {
  readonly socket: Socket;
  /** Of the next packet that is written: it goes on from the one that was read last. */
  sequence = 0;
  #longest = LONGEST_LOGIN;

  constructor(socket: Socket, sequence = 0) {
    this.socket = socket;
    this.sequence = sequence;
  }

  /** From now on it may send what takes more room. */
  signedIn(): void {
    this.#longest = LONGEST_COMMAND;
  }

  /** The next packet's payload; null when the client has left, or does not speak the protocol. */
  async read(): Promise<Buffer | null> {
    const header = await this.#exactly(HEADER_BYTES);
    if (header === null) return null;
    const length = header.readUIntLE(0, 3);
    this.sequence = (header.readUInt8(3) + 1) & 0xff;
    if (length > this.#longest) return null;
    return length === 0 ? Buffer.alloc(0) : await this.#exactly(length);
  }

  write(...payloads: readonly Buffer[]): void {
    for (const payload of payloads) {
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUIntLE(payload.length, 0, 3);
      header.writeUInt8(this.sequence, 3);
      this.sequence = (this.sequence + 1) & 0xff;
      this.socket.write(Buffer.concat([header, payload]));
    }
  }

  async #exactly(bytes: number): Promise<Buffer | null> {
    const { socket } = this;
    const whole = Buffer.allocUnsafe(bytes);
    for (let filled = 0; filled < bytes;) {
      // All that has come is taken out: a stream that holds something tells of it again at once, and for ever.
      const wanted = Math.max(1, Math.min(bytes - filled, socket.readableLength));
      const piece = socket.read(wanted) as Buffer | null;
      if (piece !== null) filled += piece.copy(whole, filled);
      else if (socket.readableEnded || socket.destroyed) return null;
      else await this.#more();
    }
    return whole;
  }

  async #more(): Promise<void> {
    const { socket } = this;
    const events = ['readable', 'end', 'close'] as const;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of events) socket.off(event, done);
        resolve();
      };
      for (const event of events) socket.on(event, done);
    });
  }
}
