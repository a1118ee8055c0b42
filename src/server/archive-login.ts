import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import {
  asksForTls,
  FAST_PATH_DONE,
  greetingPacket,
  parseLogin,
  switchPacket,
  type LoginRequest,
} from './login-packets.ts';
import { LastgoodError } from '../platform/errors.ts';
import { PacketSocket } from './packet-socket.ts';
import { provesPassword, type PasswordPlugin } from './password-proof.ts';
import { errorPacket, OK, type ServerError } from './result-packets.ts';

const CHALLENGE_BYTES = 20;
/** ER_ACCESS_DENIED_ERROR, ER_SECURE_TRANSPORT_REQUIRED, ER_HANDSHAKE_ERROR. */
const ACCESS_DENIED = { code: 1045, state: '28000', message: 'access denied: wrong user or password' };
const TLS_REQUIRED = { code: 3159, message: 'the archive server takes connections over TLS only: MASTER_SSL = 1' };
const BAD_HANDSHAKE = { code: 1043, state: '08S01', message: 'the archive server cannot read this login' };

/** PEM texts: what the server shows, and, with `ca`, what a client's certificate must be signed by. */
export interface ServedTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

/** @throws LastgoodError `CONFIG_INVALID` for what no client could be shown */
export function checkTls(tls: ServedTls): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('CONFIG_INVALID', `cannot use the TLS certificate and its key: ${why}`, {
      cause,
      hint: 'Give PEM files that belong together: the certificate, its own key without a passphrase, and the CA, if any.',
    });
  }
}

export interface LoginOptions {
  readonly serverVersion: string;
  readonly connectionId: number;
  readonly user: string;
  readonly password: string;
  /** null: without TLS; else nobody gets in without it. */
  readonly tls: ServedTls | null;
}

/**
 * Greets a client and lets it in when it knows the password, over TLS where that is set. What `mysql_native_password` or
 * `caching_sha2_password` clients answer never holds the password itself.
 *
 * @returns where the client's commands come from; a sentence in words when it was refused, and null when it left
 */
export async function login(socket: Socket, options: LoginOptions): Promise<PacketSocket | string | null> {
  const challenge = makeChallenge();
  const plain = new PacketSocket(socket);
  plain.write(greetingPacket({ ...options, challenge, offersTls: options.tls !== null }));
  const first = await plain.read();
  if (first === null) return null;
  if (options.tls === null) return await signIn(plain, first, { ...options, challenge });
  if (!asksForTls(first)) return refuse(plain, TLS_REQUIRED);
  const secured = await secure(socket, options.tls);
  if (secured === null) return 'the TLS handshake failed';
  const packets = new PacketSocket(secured);
  const request = await packets.read();
  return request === null ? null : await signIn(packets, request, { ...options, challenge });
}

type Challenged = LoginOptions & { readonly challenge: Buffer };

async function signIn(packets: PacketSocket, payload: Buffer, o: Challenged): Promise<PacketSocket | string | null> {
  const request = parseLogin(payload);
  if (request === null) return refuse(packets, BAD_HANDSHAKE);
  const proof = await proofOf(packets, request, o.challenge);
  if (proof === null) return null;
  // The password is checked also for another user: how long it takes tells nothing.
  const knows = provesPassword(proof, o.password);
  if (!knows || request.user !== o.user) return refuse(packets, ACCESS_DENIED);
  if (proof.plugin === 'caching_sha2_password') packets.write(FAST_PATH_DONE);
  packets.write(OK);
  packets.signedIn();
  return packets;
}

/** The answer to a challenge by a plugin that we know; a client that named another one is asked again. */
async function proofOf(
  packets: PacketSocket,
  { plugin, answer }: LoginRequest,
  greeted: Buffer,
): Promise<Parameters<typeof provesPassword>[0] | null> {
  if (plugin === null || plugin === 'mysql_native_password') {
    return { plugin: 'mysql_native_password', challenge: greeted, answer };
  }
  const wanted: PasswordPlugin = plugin === 'caching_sha2_password' ? plugin : 'mysql_native_password';
  const challenge = makeChallenge();
  packets.write(switchPacket(wanted, challenge));
  const again = await packets.read();
  return again === null ? null : { plugin: wanted, challenge, answer: again };
}

function refuse(packets: PacketSocket, error: ServerError): string {
  packets.write(errorPacket(error));
  packets.socket.end();
  packets.socket.resume(); // that it has gone is seen behind what it still sends
  return error.message;
}

/** A zero would end it for some clients. */
function makeChallenge(): Buffer {
  return Buffer.from(randomBytes(CHALLENGE_BYTES).map((byte) => (byte % 127) + 1));
}

/** null when no TLS session came about. */
async function secure(socket: Socket, { cert, key, ca }: ServedTls): Promise<TLSSocket | null> {
  const verify = ca !== undefined;
  const server = createTlsServer({ cert, key, ca, requestCert: verify, rejectUnauthorized: verify });
  const failed = Promise.race([once(server, 'tlsClientError'), once(socket, 'close')]).then(() => null);
  const secured = once(server, 'secureConnection').then(([secured]) => secured as TLSSocket);
  server.emit('connection', socket);
  return await Promise.race([secured, failed]);
}
