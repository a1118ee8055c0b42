import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { refuseReplica } from '../../../src/recovery/untouched.ts';

/** As MariaDB writes it. */
function primaryFile(host: string): string {
  return ['33', 'binlog.000002', '1537', host, 'follower', 'secret', '3306', '60', ''].join('\n');
}

describe('refuseReplica', () => {
  it.each(['master.info', 'master-east.info'])('refuses a server whose %s names a primary', async (name) => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await writeFile(join(folder.path, name), primaryFile('db1'));
    await expect(refuseReplica({ datadir: folder.path })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `the server in '${folder.path}' was used since it was proven: it is a replica now`,
      hint: 'The server is as it was: it was neither stopped nor started. Nothing can be replayed on top of that: restore to the later target in another folder.',
    });
  });

  it('lets a server pass that has no primary', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await writeFile(join(folder.path, 'multi-master.info'), '');
    await refuseReplica({ datadir: folder.path });
    await writeFile(join(folder.path, 'master.info'), primaryFile(''));
    await refuseReplica({ datadir: folder.path });
  });

  it('takes a file that cannot be read for no answer', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await mkdir(join(folder.path, 'master.info'));
    await expect(refuseReplica({ datadir: folder.path })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});
