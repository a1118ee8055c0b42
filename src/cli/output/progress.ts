import { createRequire } from 'node:module';
import type { RehearseProgress } from '../../operations/rehearse.ts';
import type { SalvageProgress } from '../../operations/salvage.ts';
import type { AnalysisProgress } from '../../operations/skip/consequences-of.ts';
import { formatBytes, formatNumber, formatSeconds } from './quantity.ts';

export interface Progress extends Disposable {
  /** Both in the bar's unit. */
  update(done: number, total: number): void;
}

export interface ProgressOptions {
  readonly label: string;
  /** false gives a bar that does nothing. */
  readonly shown: boolean;
  /** 'bytes' when not given. */
  readonly unit?: 'bytes' | 'tables';
}

/** Loaded when a bar is shown: most runs have no terminal. */
const load = createRequire(import.meta.url);

const SILENT: Progress = { update: () => undefined, [Symbol.dispose]: () => undefined };

/** Shorter work is over before a bar could be read. */
const QUIET_MS = 500;

/** A bar on stderr with rate and time left, gone when disposed. */
export function startProgress({ label, shown, unit = 'bytes' }: ProgressOptions): Progress {
  if (!shown) return SILENT;
  const startedAt = performance.now();
  const { SingleBar } = load('cli-progress') as typeof import('cli-progress');
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: (options, { progress, value, total }) => {
      const picture = drawBar(progress, options.barsize ?? 40);
      return `${label} ${picture} ${pace({ done: value, total, startedAt, unit })}`;
    },
  });
  return {
    update(done, total) {
      if (bar.isActive) bar.update(done);
      else if (performance.now() - startedAt > QUIET_MS) bar.start(total, done);
    },
    [Symbol.dispose]() {
      bar.stop();
    },
  };
}

function drawBar(share: number, size: number): string {
  const filled = Math.round(share * size);
  return `${'█'.repeat(filled)}${'░'.repeat(size - filled)}`;
}

interface Pace {
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  readonly unit: 'bytes' | 'tables';
}

function pace({ done, total, startedAt, unit }: Pace): string {
  const seconds = (performance.now() - startedAt) / 1000;
  const format = unit === 'bytes' ? formatBytes : formatNumber;
  const amount = `${format(done)} of ${format(total)}${unit === 'bytes' ? '' : ` ${unit}`}`;
  if (done === 0) return amount;
  const rate = unit === 'bytes' ? `, ${formatBytes(done / seconds)}/s` : '';
  return `${amount}${rate}, ${formatSeconds(((total - done) / done) * seconds)} left`;
}

export interface RestoreBars extends Disposable {
  readonly update: (progress: RehearseProgress | SalvageProgress | AnalysisProgress) => void;
}

/** One bar after the other, for each step of a restore, rehearsal or salvage, or of planning one. */
export function startRestoreBars(shown: boolean): RestoreBars {
  let current: { readonly step: string; readonly bar: Progress } | null = null;
  return {
    update: (progress) => {
      const { step, done, total } = progress;
      if (current?.step !== step) {
        current?.bar[Symbol.dispose]();
        const unit = step === 'proving' || step === 'reading' ? 'tables' : 'bytes';
        const by = 'by' in progress && progress.by !== undefined ? ` (${progress.by})` : '';
        current = { step, bar: startProgress({ label: `${step}${by}`, shown, unit }) };
      }
      current.bar.update(done, total);
    },
    [Symbol.dispose]() {
      current?.bar[Symbol.dispose]();
    },
  };
}
