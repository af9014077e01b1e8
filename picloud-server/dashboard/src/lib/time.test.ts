import { expect, it } from 'vitest';

import { ago, bytes, duration } from './time';

const now = Date.parse('2026-01-10T12:00:00Z');

it.each([
  ['2026-01-10T11:59:30Z', 'just now'],
  ['2026-01-10T11:57:00Z', '3 minutes ago'],
  ['2026-01-10T10:00:00Z', '2 hours ago'],
  ['2026-01-09T11:00:00Z', 'yesterday'],
  ['2026-02-10T12:00:01Z', 'next month'],
  ['2023-12-10T12:00:00Z', '2 years ago']
])('%s is %s', (time, text) => {
  expect(ago(time, now)).toBe(text);
});

it.each([
  [0, '0 µs'],
  [999, '999 µs'],
  [1500, '1.5 ms'],
  [250_000, '250 ms'],
  [1_500_000, '1.50 s']
])('%d microseconds are %s', (microseconds, text) => {
  expect(duration(microseconds)).toBe(text);
});

it.each([
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [3 * 1024 * 1024, '3.0 MiB']
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});
