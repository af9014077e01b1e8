// The rows of a log, newest first: one for each run, and one for each line it logged. Bounded, so that a page can stay
// open for days.
import type { Execution, LogLine } from '$lib/api';

export interface Row {
  key: string;
  run: Execution;
  /** The line; the row of the run itself has none. */
  line: LogLine | undefined;
}

/** Rows kept of a live tail. */
export const KEPT = 5000;

/** The rows of one run: itself, then its lines. */
export function rowsOf(run: Execution): Row[] {
  const lines = run.lines.map((line, index) => ({ key: `${run.request_id}/${index}`, run, line }));
  return [{ key: run.request_id, run, line: undefined }, ...lines];
}

/** Rows with runs that came in, in the order in which they did, put before those that are there. */
export function prepend(rows: readonly Row[], came: readonly Execution[], kept = KEPT): Row[] {
  const fresh: Row[] = [];
  for (let index = came.length - 1; index >= 0; index -= 1) {
    const run = came[index];
    if (run !== undefined) fresh.push(...rowsOf(run));
    if (fresh.length >= kept) break;
  }
  return [...fresh, ...rows.slice(0, Math.max(kept - fresh.length, 0))].slice(0, kept);
}

/** Which rows a window of `height` shows at `top`, with a few around them. */
export function slice(count: number, top: number, height: number, row: number): { from: number; to: number } {
  const around = 8;
  const from = Math.max(Math.floor(top / row) - around, 0);
  const to = Math.min(Math.ceil((top + height) / row) + around, count);
  return { from: Math.min(from, count), to: Math.max(to, 0) };
}
