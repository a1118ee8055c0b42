/**
 * MySQL's binary JSON as text. A part that JSON text cannot give back as it is (an opaque DECIMAL, date or string of bytes, a
 * small unsigned number) is reported, and written as near as can be.
 * Source: MySQL 9 sql-common/json_binary.h.
 */
export function mysqlJsonText(bytes: Buffer, onInexact: (what: string) => void = () => undefined): string {
  if (bytes.length === 0) return 'null';
  return new JsonReader(bytes, onInexact).value(bytes.readUInt8(0), 1);
}

/** 0 and 2 are the small object and array, 15 is what no JSON type stands for. */
const TYPE = {
  LARGE_OBJECT: 1,
  LARGE_ARRAY: 3,
  LITERAL: 4,
  INT16: 5,
  UINT16: 6,
  INT32: 7,
  UINT32: 8,
  INT64: 9,
  UINT64: 10,
  DOUBLE: 11,
  STRING: 12,
} as const;

const LITERALS = ['null', 'true', 'false'];

class JsonReader {
  readonly #bytes: Buffer;
  readonly #onInexact: (what: string) => void;

  constructor(bytes: Buffer, onInexact: (what: string) => void) {
    this.#bytes = bytes;
    this.#onInexact = onInexact;
  }

  /** @param at of the value behind its type */
  value(type: number, at: number): string {
    if (type <= TYPE.LARGE_ARRAY) {
      const named = type <= TYPE.LARGE_OBJECT;
      return this.#container(at, { named, wide: type === TYPE.LARGE_OBJECT || type === TYPE.LARGE_ARRAY });
    }
    if (type === TYPE.STRING) return JSON.stringify(this.#counted(at).toString('utf8'));
    return this.#number(type, at) ?? this.#opaque(type, at);
  }

  #number(type: number, at: number): string | null {
    const bytes = this.#bytes;
    switch (type) {
      case TYPE.LITERAL:
        return LITERALS[bytes.readUInt8(at)] ?? 'null';
      case TYPE.INT16:
        return String(bytes.readInt16LE(at));
      case TYPE.INT32:
        return String(bytes.readInt32LE(at));
      case TYPE.INT64:
        return String(bytes.readBigInt64LE(at));
      case TYPE.UINT16:
        return this.#unsigned(BigInt(bytes.readUInt16LE(at)));
      case TYPE.UINT32:
        return this.#unsigned(BigInt(bytes.readUInt32LE(at)));
      case TYPE.UINT64:
        return this.#unsigned(bytes.readBigUInt64LE(at));
      case TYPE.DOUBLE:
        return doubleText(bytes.readDoubleLE(at));
      default:
        return null;
    }
  }

  /** Text gives an unsigned number only from 2^63 on: below it comes back signed. */
  #unsigned(value: bigint): string {
    if (value < 2n ** 63n) this.#onInexact('an unsigned number');
    return String(value);
  }

  #opaque(type: number, at: number): string {
    const bytes = this.#counted(at + 1);
    this.#onInexact(`a value of type ${this.#bytes[at] ?? type}`);
    return JSON.stringify(`base64:type${this.#bytes[at] ?? type}:${bytes.toString('base64')}`);
  }

  /** Bytes behind their length, seven bits of it in each byte. */
  #counted(at: number): Buffer {
    let length = 0;
    let end = at;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(end);
      end += 1;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return this.#bytes.subarray(end, end + length);
    }
  }

  /** Number of members, bytes, places of keys, places of values; all places count from `at`. */
  #container(at: number, { named, wide }: { named: boolean; wide: boolean }): string {
    const width = wide ? 4 : 2;
    const read = (place: number): number => this.#bytes.readUIntLE(place, width);
    const count = read(at);
    const keysAt = at + 2 * width;
    const valuesAt = keysAt + (named ? count * (width + 2) : 0);
    const members: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const entry = valuesAt + index * (width + 1);
      const type = this.#bytes.readUInt8(entry);
      const value = this.value(type, isInlined(type, wide) ? entry + 1 : at + read(entry + 1));
      members.push(named ? `${this.#key(at, keysAt + index * (width + 2), width)}: ${value}` : value);
    }
    return named ? `{${members.join(', ')}}` : `[${members.join(', ')}]`;
  }

  #key(at: number, entry: number, width: number): string {
    const start = at + this.#bytes.readUIntLE(entry, width);
    return JSON.stringify(this.#bytes.toString('utf8', start, start + this.#bytes.readUInt16LE(entry + width)));
  }
}

function isInlined(type: number, wide: boolean): boolean {
  if (type === TYPE.LITERAL || type === TYPE.INT16 || type === TYPE.UINT16) return true;
  return wide && (type === TYPE.INT32 || type === TYPE.UINT32);
}

/** With a point or an exponent, so that it does not come back as an integer. */
function doubleText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
