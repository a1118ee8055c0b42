/** A program for tests: makes a swept folder with a password in it, tells its path, and holds it until it is ended. */
import { makeSweptDirectory } from '../../src/platform/swept-directory.ts';
import { writeOptionFile } from '../../src/server/option-file.ts';

const folder = await makeSweptDirectory('lastgood-restore-');
await writeOptionFile({ name: 'target', user: 'root', password: 'secret', tls: 'off' }, folder.path);
process.send?.(folder.path);
setInterval(() => undefined, 60_000);
