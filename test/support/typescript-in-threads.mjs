/** Preloaded into every test process: worker threads of ours are TypeScript here, which Node 20 alone cannot load. */
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) {
  const { register } = await import('tsx/esm/api');
  register();
}
