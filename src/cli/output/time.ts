/** Made when the first time is shown: making them takes longer than loading everything else of a small command. */
let formats: { readonly timeOfDay: Intl.DateTimeFormat; readonly date: Intl.DateTimeFormat } | null = null;

/** A moment as the log has it, in UTC, and, where it differs, as the clock on this machine's wall shows it. */
export function formatTime(utc: string | null): string {
  if (utc === null) return 'unknown time';
  const moment = new Date(utc);
  if (Number.isNaN(moment.getTime())) return utc;
  if (moment.getTimezoneOffset() === 0) return utc;
  formats ??= {
    timeOfDay: new Intl.DateTimeFormat('sv', { timeStyle: 'medium' }),
    date: new Intl.DateTimeFormat('sv', { dateStyle: 'short' }),
  };
  const day = formats.date.format(moment);
  const time = formats.timeOfDay.format(moment);
  return `${utc} (${utc.startsWith(day) ? time : `${day} ${time}`} local)`;
}
