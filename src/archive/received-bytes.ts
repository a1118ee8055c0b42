import { createHash, type Hash } from 'node:crypto';
import { Fingerprint, fingerprintKey } from './fingerprint.ts';

/** Of all that was received, hex, each null when it was not made: what the disk has is compared with what there is. */
export interface ReceivedProof {
  readonly sha256: string | null;
  /** Under the key that whoever reads the disk has too. */
  readonly fingerprint: string | null;
}

/** Follows what a segment receives, so that its end can show that the disk has the very same bytes. */
export class ReceivedBytes {
  #hash: Hash | null;
  #fingerprint: Fingerprint | null = null;

  /** @param hash of what is there already */
  constructor(hash: Hash = createHash('sha256')) {
    this.#hash = hash;
  }

  /**
   * A fingerprint is enough from the first byte on: whoever reads the disk makes the hash. Before the first byte only.
   *
   * @returns the key under which to compare
   */
  fingerprintOnly(): Uint8Array {
    const key = fingerprintKey();
    this.#hash = null;
    this.#fingerprint = new Fingerprint(key);
    return key;
  }

  update(bytes: Uint8Array): void {
    this.#hash?.update(bytes);
    this.#fingerprint?.update(bytes);
  }

  /** Once, at the end. */
  proof(): ReceivedProof {
    return { sha256: this.#hash?.digest('hex') ?? null, fingerprint: this.#fingerprint?.digest() ?? null };
  }
}
