import * as archive from './archive.ts';
import * as incidents from './incidents.ts';
import * as replay from './replay.ts';
import * as restore from './restore.ts';
import * as scan from './scan.ts';

/** Each runs the peer and ours on the same data in one run and prints the ratio. */
const BENCHMARKS: Readonly<Record<string, { run(): Promise<void> }>> = { archive, scan, replay, restore, incidents };

const [name = ''] = process.argv.slice(2);
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')}\n`);
  process.exitCode = 2;
} else {
  await benchmark.run();
}
