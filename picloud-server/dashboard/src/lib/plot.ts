// The numbers of a plot of the last hour, minute by minute, over all scripts.
import type { StatsMinute } from './api';

export const MINUTES = 60;

/** What is drawn of one script in one minute. */
export type Counted = Pick<StatsMinute, 'minute' | 'count' | 'errors' | 'latency_us'>;

export interface Minute {
  start: number;
  count: number;
  errors: number;
  /** Microseconds; nothing where nothing ran. */
  p50: number | undefined;
  p99: number | undefined;
}

/** One entry for each of the last minutes, oldest first; the last one is not over yet. */
export function lastHour(items: readonly Counted[], now: number): Minute[] {
  const last = Math.floor(now / 60_000);
  const minutes = Array.from({ length: MINUTES }, (_, index): Minute => {
    const start = (last - MINUTES + 1 + index) * 60_000;
    return { start, count: 0, errors: 0, p50: undefined, p99: undefined };
  });
  for (const item of items) {
    const minute = minutes[Math.floor(Date.parse(item.minute) / 60_000) - last + MINUTES - 1];
    if (minute === undefined) continue;
    // Of several scripts the busiest says the median; the slowest the tail.
    const busiest = item.count > minute.count - item.count;
    if (busiest || minute.p50 === undefined) minute.p50 = item.latency_us.p50;
    minute.p99 = Math.max(minute.p99 ?? 0, item.latency_us.p99);
    minute.count += item.count;
    minute.errors += item.errors;
  }
  return minutes;
}

/** The next round number: 1, 2 or 5 times a power of ten. */
export function ceiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

/** An SVG path through the minutes that have a value, broken where there is none. */
export function line(
  values: readonly (number | undefined)[],
  most: number,
  width: number,
  height: number
): string {
  const step = width / values.length;
  let path = '';
  let down = false;
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      down = false;
      continue;
    }
    const x = (index + 0.5) * step;
    const y = height - (value / most) * height;
    // A lone minute is a dot: a line of no length with round ends.
    path += `${down ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}${down ? '' : `l0 0`}`;
    down = true;
  }
  return path;
}
