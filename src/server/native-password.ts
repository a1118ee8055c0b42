import { createHash, timingSafeEqual } from 'node:crypto';

/** A client's answer to the server's challenge, which is in two parts. */
export interface NativeLogin {
  readonly authPluginData1: Buffer;
  readonly authPluginData2: Buffer;
  readonly authToken: Buffer;
}

/**
 * True when the answer was made with this password: SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password))).
 * Source: MySQL 8.4 source docs, "Native Authentication".
 */
export function knowsPassword({ authPluginData1, authPluginData2, authToken }: NativeLogin, password: string): boolean {
  const once = sha1(password);
  const mask = sha1(authPluginData1, authPluginData2, sha1(once));
  const expected = Buffer.from(once.map((byte, index) => byte ^ (mask[index] ?? 0)));
  return authToken.length === expected.length && timingSafeEqual(authToken, expected);
}

function sha1(...parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
