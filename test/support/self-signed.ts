import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';

/** A certificate for 127.0.0.1 that nobody but its own key has signed, and that key: PEM. */
export async function selfSigned(): Promise<{ cert: string; key: string }> {
  await using folder = await makeTempDirectory('lastgood-test-');
  const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  await runTool({
    program: findProgram(['openssl']),
    args: [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...[
        '-subj',
        '/CN=127.0.0.1',
        '-addext',
        'subjectAltName=IP:127.0.0.1,DNS:localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ],
    ],
  });
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}
