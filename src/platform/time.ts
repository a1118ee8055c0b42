/** Writes seconds since 1970 as RFC 3339 in UTC: `2026-11-22T10:00:01Z`. */
export function formatSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.000Z$/, 'Z');
}
