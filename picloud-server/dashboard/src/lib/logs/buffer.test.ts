import { describe, expect, it } from 'vitest';

import type { Execution } from '$lib/api';

import { prepend, type Row, rowsOf, slice } from './buffer';

const run = (id: string, lines: number): Execution => ({
  request_id: id,
  route: '/',
  outcome: 'ok',
  ip: null,
  script_id: 's',
  script: 's',
  version: 1,
  trigger: 'http',
  at: '2026-01-01T00:00:00Z',
  method: 'GET',
  path: '/',
  status: 200,
  error: null,
  lines: Array.from({ length: lines }, (_, index) => ({
    at: '',
    level: 'info',
    message: `${index}`,
    fields: {},
    line: null,
    column: null
  })),
  lines_dropped: 0,
  stats: { wall_us: 1, cpu_us: 1, operations: 1, peak_memory: 1 }
});
const keys = (rows: Row[]): string[] => rows.map((row) => row.key);

it('a run is followed by its lines', () => {
  expect(keys(rowsOf(run('a', 2)))).toEqual(['a', 'a/0', 'a/1']);
});

describe('new runs', () => {
  it('come first, the newest before all', () => {
    const rows = prepend(prepend([], [run('a', 1)]), [run('b', 0), run('c', 1)]);
    expect(keys(rows)).toEqual(['c', 'c/0', 'b', 'a', 'a/0']);
  });

  it('push out the oldest rows', () => {
    const rows = prepend(prepend([], [run('a', 2)], 4), [run('b', 1)], 4);
    expect(keys(rows)).toEqual(['b', 'b/0', 'a', 'a/0']);
    expect(prepend(rows, [run('c', 10)], 4)).toHaveLength(4);
  });

  it('at 1,000 a second are no work to speak of', () => {
    let rows: Row[] = [];
    const came = Array.from({ length: 17 }, (_, index) => run(`r${index}`, 1));
    const start = performance.now();
    for (let frame = 0; frame < 60; frame += 1) rows = prepend(rows, came);
    expect(performance.now() - start, 'one second of them').toBeLessThan(100);
  });
});

describe('the window', () => {
  it.each([
    [0, 0, 0, 0, 0],
    [100, 0, 200, 0, 18],
    [100, 1000, 200, 42, 68],
    [100, 1800, 200, 82, 100],
    [5, 4000, 200, 5, 5]
  ])('of %d rows at %d of height %d is %d to %d', (count, top, height, from, to) => {
    expect(slice(count, top, height, 20)).toEqual({ from, to });
  });
});
