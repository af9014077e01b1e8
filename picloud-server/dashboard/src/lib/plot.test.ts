import { describe, expect, it } from 'vitest';

import { ceiling, type Counted, lastHour, line, MINUTES } from './plot';

const at = (minute: string, count: number, errors: number, p50: number, p99: number): Counted => ({
  minute,
  count,
  errors,
  latency_us: { p50, p90: p99, p99 }
});

describe('the last hour', () => {
  const now = Date.parse('2026-01-01T10:30:20Z');

  it('has every minute, oldest first', () => {
    const minutes = lastHour([], now);
    expect(minutes).toHaveLength(MINUTES);
    expect(new Date(minutes[0]?.start ?? 0).toISOString()).toBe('2026-01-01T09:31:00.000Z');
    expect(new Date(minutes[59]?.start ?? 0).toISOString()).toBe('2026-01-01T10:30:00.000Z');
  });

  it('sums scripts and leaves out what is older', () => {
    const minutes = lastHour(
      [
        at('2026-01-01T10:30:00Z', 2, 1, 10, 90),
        at('2026-01-01T10:30:00Z', 8, 0, 20, 50),
        at('2026-01-01T09:30:00Z', 100, 0, 1, 1)
      ],
      now
    );
    expect(minutes[59]).toMatchObject({ count: 10, errors: 1, p50: 20, p99: 90 });
    expect(minutes.reduce((sum, minute) => sum + minute.count, 0)).toBe(10);
  });
});

it.each([
  [0, 1],
  [3, 5],
  [10, 10],
  [11, 20],
  [501, 1000]
])('the number above %d is %d', (value, round) => {
  expect(ceiling(value)).toBe(round);
});

it('a line is broken where there is no value', () => {
  expect(line([1, undefined, 2, 4], 4, 40, 8)).toBe('M5.0 6.0l0 0M25.0 4.0l0 0L35.0 0.0');
});
