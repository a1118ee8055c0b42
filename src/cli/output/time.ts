const TIME_OF_DAY = new Intl.DateTimeFormat('sv', { timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat('sv', { dateStyle: 'short' });

/** A moment as the log has it, in UTC, and, where it differs, as the clock on this machine's wall shows it. */
export function formatTime(utc: string | null): string {
  if (utc === null) return 'unknown time';
  const moment = new Date(utc);
  if (Number.isNaN(moment.getTime())) return utc;
  if (moment.getTimezoneOffset() === 0) return utc;
  const day = DATE.format(moment);
  const time = TIME_OF_DAY.format(moment);
  return `${utc} (${utc.startsWith(day) ? time : `${day} ${time}`} local)`;
}
