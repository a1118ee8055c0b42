/** True when a server's log and dumps may hold what the other one cannot read. Fixes within a release change nothing of that. */
export function isOlderRelease(version: string, than: string): boolean {
  return release(version) < release(than);
}

function release(version: string): number {
  const [major = 0, minor = 0] = version.split(/[^\d]/, 2).map(Number);
  return major * 1000 + minor;
}
