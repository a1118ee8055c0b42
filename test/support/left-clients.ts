import { readdir, readFile, readlink } from 'node:fs/promises';

/** Process ids of `mariadb` clients that were started in `folder`, as a killed restore leaves them. Source: proc(5). */
export async function leftClients(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isClient = await Promise.all(pids.map((pid) => isClientIn(folder, pid)));
  return pids.filter((_, index) => isClient[index]);
}

async function isClientIn(folder: string, pid: string): Promise<boolean> {
  try {
    const [program, workingFolder] = [await readFile(`/proc/${pid}/comm`, 'utf8'), await readlink(`/proc/${pid}/cwd`)];
    return workingFolder === folder && /^(mariadb|mysql)\n$/.test(program);
  } catch {
    return false; // it has ended
  }
}
