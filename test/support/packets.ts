const FULL_PACKET = 0xffffff;

/** The protocol's packets for one payload: pieces of up to 0xffffff bytes, an empty one behind a full last piece. */
export function packetsOf(payload: Buffer, sequence = 0): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0, more = true; more; at += FULL_PACKET, sequence += 1) {
    const piece = payload.subarray(at, at + FULL_PACKET);
    more = piece.length === FULL_PACKET;
    const header = Buffer.alloc(4);
    header.writeUIntLE(piece.length, 0, 3);
    header.writeUInt8(sequence & 255, 3);
    pieces.push(header, piece);
  }
  return Buffer.concat(pieces);
}
