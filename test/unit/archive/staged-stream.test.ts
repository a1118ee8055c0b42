import { describe, expect, it } from 'vitest';
import { StagedStream } from '../../../src/archive/staged-stream.ts';

const MIB = 1024 * 1024;
const everything = (_: Buffer, filled: number): number => filled;
const nothing = (): number => 0;

function staged(): { stream: StagedStream; pressure: boolean[] } {
  const pressure: boolean[] = [];
  return { stream: new StagedStream((high) => pressure.push(high)), pressure };
}

function append(stream: StagedStream, text: string): void {
  const chunk = Buffer.from(`..${text}..`);
  stream.append(chunk, 2, chunk.length - 2);
  chunk.fill(0);
}

function textOf(step: ReturnType<StagedStream['next']>): string | null {
  if (step === null) return null;
  return step.kind === 'bytes' ? step.bytes.toString() : `${step.file}:${step.position}`;
}

describe('StagedStream', () => {
  it('gives bytes and files in the order they came', () => {
    const { stream } = staged();
    stream.rotate('a.000001', 4);
    append(stream, 'one');
    append(stream, 'two');
    stream.rotate('a.000002', 4);
    stream.rotate('a.000003', 4);
    append(stream, 'three');
    expect(Array.from({ length: 6 }, () => textOf(stream.next(everything)))).toEqual([
      'a.000001:4',
      'onetwo',
      'a.000002:4',
      'a.000003:4',
      'three',
      null,
    ]);
  });

  it('brings what was not taken again, with what came behind it', () => {
    const { stream } = staged();
    append(stream, 'wholehal');
    expect(textOf(stream.next(() => 5))).toBe('whole');
    expect(stream.next(nothing)).toBeNull();
    append(stream, 'f');
    expect(textOf(stream.next(everything))).toBe('half');
  });

  it('refuses a file that ends with bytes nobody can take', () => {
    const { stream } = staged();
    append(stream, 'half');
    stream.rotate('a.000002', 4);
    expect(textOf(stream.next(() => 3))).toBe('hal');
    expect(() => stream.next(nothing)).toThrow('the source went on to its next file in the middle of an event');
  });

  it('gives the rest of a finished file once more when only a part of it was taken', () => {
    const { stream } = staged();
    append(stream, 'againnew');
    stream.rotate('a.000002', 4);
    const again = stream.next(() => 5);
    expect(textOf(again)).toBe('again');
    if (again?.kind === 'bytes') stream.release(again.bytes);
    append(stream, 'next');
    expect([stream.next(everything), stream.next(nothing), stream.next(everything)].map(textOf)).toEqual([
      'new',
      'a.000002:4',
      'next',
    ]);
  });

  it('keeps bytes under way apart from those that come meanwhile, also when their memory is used again', () => {
    const { stream } = staged();
    append(stream, 'first');
    const first = stream.next(everything);
    append(stream, 'second');
    expect(textOf(first)).toBe('first');
    if (first?.kind === 'bytes') stream.release(first.bytes);
    const second = stream.next(everything);
    append(stream, 'third');
    expect([textOf(second), textOf(stream.next(everything))]).toEqual(['second', 'third']);
  });

  it('tells when four mebibytes wait, and when they no longer do, never twice the same', () => {
    const { stream, pressure } = staged();
    const mebibyte = Buffer.alloc(MIB);
    for (let n = 0; n < 3; n += 1) stream.append(mebibyte, 0, MIB);
    expect(pressure).toEqual([]);
    stream.rotate('a.000002', 4);
    stream.append(mebibyte, 0, MIB);
    stream.append(mebibyte, 0, MIB);
    expect(pressure).toEqual([true]);
    expect(stream.next(everything)).toMatchObject({ kind: 'bytes' });
    expect(pressure).toEqual([true, false]);
  });

  it('has room for what was under way when the source was told to wait', () => {
    const { stream } = staged();
    const bytes = Buffer.from(Uint8Array.from({ length: 9 * MIB }, (_, index) => index >> 10));
    for (let at = 0; at < bytes.length; at += 100_000) stream.append(bytes, at, Math.min(at + 100_000, bytes.length));
    const step = stream.next(everything);
    expect(step?.kind === 'bytes' && step.bytes.equals(bytes)).toBe(true);
  });
});
