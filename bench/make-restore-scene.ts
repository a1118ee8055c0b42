/** A program of its own, so that the memory it takes is not counted as a restore's. Arguments: megabytes of dump, of log. */
import { ensureRestoreScene } from './restore-scene.ts';

const [dumpMegabytes, logMegabytes] = process.argv.slice(2).map(Number);
if (dumpMegabytes === undefined || logMegabytes === undefined) throw new Error('two arguments are needed');
process.stdout.write(JSON.stringify(await ensureRestoreScene(dumpMegabytes, logMegabytes)));
