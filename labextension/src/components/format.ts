/** Formats are dear to make and cheap to use: a list in motion shows hundreds of values a second. */
const FORMATS = new Map<string, unknown>();

function format<T>(
  key: readonly (string | number | undefined)[],
  make: () => T
): T {
  const name = key.join('/');
  if (!FORMATS.has(name)) {
    FORMATS.set(name, make());
  }
  return FORMATS.get(name) as T;
}

/** A length of time for people: two units at most. */
export function formatDuration(seconds: number, locale?: string): string {
  const unit = (value: number, unit: string, digits = 0) =>
    format(
      ['duration', unit, digits, locale],
      () =>
        new Intl.NumberFormat(locale, {
          style: 'unit',
          unit,
          unitDisplay: 'narrow',
          maximumFractionDigits: digits
        })
    ).format(value);
  if (seconds < 0.0995) {
    return unit(Math.max(1, Math.round(seconds * 1000)), 'millisecond');
  }
  if (seconds < 59.95) {
    return unit(seconds, 'second', 1);
  }
  const whole = Math.round(seconds);
  if (whole < 3600) {
    return `${unit(Math.floor(whole / 60), 'minute')} ${unit(whole % 60, 'second')}`;
  }
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) {
    return `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute')}`;
  }
  const hours = Math.round(whole / 3600);
  return `${unit(Math.floor(hours / 24), 'day')} ${unit(hours % 24, 'hour')}`;
}

/** From here on a date says more than a number of days. */
const LONG_AGO_S = 14 * 86_400;

/** How long ago a moment is, for people. */
export function formatAge(iso: string, nowMs: number, locale?: string): string {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  const relative = format(
    ['age', locale],
    () =>
      new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' })
  );
  if (seconds < 10) {
    return relative.format(0, 'second');
  }
  if (seconds >= LONG_AGO_S) {
    return format(
      ['date', locale],
      () => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
    ).format(new Date(iso));
  }
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60]
  ] as const) {
    if (seconds >= size) {
      return relative.format(-Math.floor(seconds / size), unit);
    }
  }
  return relative.format(-Math.floor(seconds), 'second');
}

/** A size for people, in binary units. */
export function formatBytes(bytes: number, locale?: string): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index += 1;
  }
  const number = new Intl.NumberFormat(locale, {
    maximumFractionDigits: value < 10 && index > 0 ? 1 : 0
  }).format(value);
  return `${number} ${units[index]}`;
}

/** A metric's value for people: five digits that mean something. */
export function formatNumber(value: number, locale?: string): string {
  const size = Math.abs(value);
  const notation =
    value !== 0 && (size < 1e-4 || size >= 1e9) ? 'scientific' : 'standard';
  return format(
    ['number', notation, locale],
    () =>
      new Intl.NumberFormat(locale, { maximumSignificantDigits: 5, notation })
  ).format(value);
}
