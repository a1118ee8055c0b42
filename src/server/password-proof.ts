import { createHash, timingSafeEqual } from 'node:crypto';

/** How a client shows that it knows the password without sending it: by the plugin's name. */
export type PasswordPlugin = 'mysql_native_password' | 'caching_sha2_password';

/** A client's answer to the server's challenge. */
export interface PasswordProof {
  readonly plugin: PasswordPlugin;
  /** 20 bytes, made for this connection. */
  readonly challenge: Buffer;
  readonly answer: Buffer;
}

/**
 * True when the answer was made with this password. With H(): native, H = SHA1: H(password) XOR H(challenge + H(H(password)));
 * caching_sha2, H = SHA256: H(password) XOR H(H(H(password)) + challenge). The second one is the fast path of a server that has
 * the password in its cache: this one knows it.
 * Source: MySQL 8.4 source docs, "Native Authentication" and "Caching_sha2_password information".
 */
export function provesPassword({ plugin, challenge, answer }: PasswordProof, password: string): boolean {
  const isNative = plugin === 'mysql_native_password';
  const hash = (...parts: readonly (Buffer | string)[]): Buffer => hashOf(isNative ? 'sha1' : 'sha256', parts);
  const once = hash(password);
  const twice = hash(once);
  const mask = isNative ? hash(challenge, twice) : hash(twice, challenge);
  const expected = Buffer.from(once.map((byte, index) => byte ^ (mask[index] ?? 0)));
  return answer.length === expected.length && timingSafeEqual(answer, expected);
}

function hashOf(algorithm: string, parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
