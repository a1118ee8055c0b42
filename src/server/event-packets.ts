import type { Writable } from 'node:stream';
import { errorPacket } from './result-packets.ts';

/** A longer payload goes on in the next packet. Source: MySQL 8.4 source docs, "MySQL Packets". */
const MAX_PACKET_PAYLOAD = 0xffffff;
const PACKET_HEADER_BYTES = 4;
const OK_BYTE = Buffer.from([0x00]);
const END_OF_FILE = 0xfe;
const BUFFER_BYTES = 1024 * 1024;

/**
 * Writes a binlog stream's packets to a socket: each event behind a packet header and an OK byte. Packets gather in
 * one of two buffers while the other is on its way, so memory stays flat whatever the size of an event and
 * however slow the reader.
 */
export class EventPackets {
  readonly #socket: Writable;
  #sequence: number;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #other = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  #onItsWay: Promise<void> = Promise.resolve();
  /** Bytes until the present packet is full, and of the whole payload until its end; for large events. */
  #packetRemaining = 0;
  #payloadRemaining = 0;
  #packetIsFull = false;

  /** @param sequence the number of the next packet: numbers go on within one command */
  constructor(socket: Writable, sequence: number) {
    this.#socket = socket;
    this.#sequence = sequence;
  }

  /** Appends a whole event if there is room for it; otherwise nothing happens: flush, or send it in pieces. */
  tryEvent(source: Buffer, from: number, to: number): boolean {
    const payload = to - from + 1;
    if (this.#used + PACKET_HEADER_BYTES + payload > BUFFER_BYTES) return false;
    this.#packetHeader(payload);
    this.#buffer[this.#used] = 0; // OK
    source.copy(this.#buffer, this.#used + 1, from, to);
    this.#used += payload;
    return true;
  }

  /** Sends a whole event of any size. */
  async event(event: Buffer): Promise<void> {
    await this.beginEvent(event.length);
    await this.piece(event);
  }

  /** Starts an event whose `length` bytes follow by `piece`. */
  async beginEvent(length: number): Promise<void> {
    this.#payloadRemaining = length + 1;
    this.#packetRemaining = 0;
    await this.piece(OK_BYTE);
  }

  /** Sends the next bytes of the event that `beginEvent` started, in packets as long as they may be. */
  async piece(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#used + PACKET_HEADER_BYTES >= BUFFER_BYTES) await this.flush();
      if (this.#packetRemaining === 0) this.#continuePacket();
      const taken = Math.min(bytes.length - at, this.#packetRemaining, BUFFER_BYTES - this.#used);
      bytes.copy(this.#buffer, this.#used, at, at + taken);
      at += taken;
      this.#used += taken;
      this.#packetRemaining -= taken;
      this.#payloadRemaining -= taken;
      await this.#closeExactPacket();
    }
  }

  #continuePacket(): void {
    this.#packetRemaining = Math.min(this.#payloadRemaining, MAX_PACKET_PAYLOAD);
    this.#packetIsFull = this.#packetRemaining === MAX_PACKET_PAYLOAD;
    this.#packetHeader(this.#packetRemaining);
  }

  /** A payload that fills its last packet exactly is closed by an empty one. */
  async #closeExactPacket(): Promise<void> {
    if (this.#payloadRemaining > 0 || !this.#packetIsFull) return;
    this.#packetIsFull = false;
    if (this.#used + PACKET_HEADER_BYTES > BUFFER_BYTES) await this.flush();
    this.#packetHeader(0);
  }

  /** Tells a client that did not want to wait that nothing follows. */
  async endOfFile(): Promise<void> {
    await this.#small(Buffer.from([END_OF_FILE, 0, 0, 0, 0]));
  }

  /** Ends the stream with an error the client shows. */
  async error(code: number, message: string): Promise<void> {
    await this.#small(errorPacket({ code, message }));
  }

  async #small(payload: Buffer): Promise<void> {
    if (this.#used + PACKET_HEADER_BYTES + payload.length > BUFFER_BYTES) await this.flush();
    this.#packetHeader(payload.length);
    this.#used += payload.copy(this.#buffer, this.#used);
    await this.drain();
  }

  #packetHeader(payload: number): void {
    this.#buffer.writeUInt32LE(((this.#sequence << 24) | payload) >>> 0, this.#used);
    this.#sequence = (this.#sequence + 1) & 0xff;
    this.#used += PACKET_HEADER_BYTES;
  }

  /** Hands what is gathered to the socket; resolves when there is room for more. */
  async flush(): Promise<void> {
    await this.#onItsWay;
    if (this.#used === 0) return;
    this.#onItsWay = this.#write(this.#buffer.subarray(0, this.#used));
    this.#onItsWay.catch(() => undefined); // thrown again where it is awaited, by the next flush
    [this.#buffer, this.#other] = [this.#other, this.#buffer];
    this.#used = 0;
  }

  /** Resolves when everything is with the operating system. */
  async drain(): Promise<void> {
    await this.flush();
    await this.#onItsWay;
  }

  async #write(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
