// The live tail: runs as the server sends them, shown once a frame however many came.
import type { Execution } from '$lib/api';

import { KEPT, prepend, type Row, rowsOf } from './buffer';

export class Tail {
  rows = $state.raw<Row[]>([]);
  /** Whether the connection stands. */
  connected = $state(false);
  /** Runs that the server could not send because this page was too slow. */
  missed = $state(0);
  /** Rows that were put before the others by the last update. */
  added = $state.raw(0);

  #source: EventSource | undefined;
  #came: Execution[] = [];
  #frame: number | undefined;

  /** Shows these runs, newest first. */
  show(runs: readonly Execution[]): void {
    this.rows = runs.flatMap(rowsOf);
    this.added = 0;
  }

  /** Puts older runs behind those that are there. */
  append(runs: readonly Execution[]): void {
    this.rows = [...this.rows, ...runs.flatMap(rowsOf)];
    this.added = 0;
  }

  /** Follows a stream until `stop`. The browser connects again by itself. */
  follow(url: string): void {
    this.stop();
    const source = new EventSource(url);
    this.#source = source;
    source.onopen = () => (this.connected = true);
    source.onerror = () => (this.connected = false);
    const take = (event: MessageEvent<string>) => this.#take(JSON.parse(event.data) as Execution);
    source.addEventListener('execution', take);
    source.addEventListener('lost', (event: MessageEvent<string>) => {
      this.missed += Number((JSON.parse(event.data) as { count?: number }).count ?? 1);
    });
  }

  stop(): void {
    this.#source?.close();
    this.#source = undefined;
    this.connected = false;
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#came = [];
  }

  #take(run: Execution): void {
    this.#came.push(run);
    // A page in the background gets no frames: what it could not show any more is let go.
    if (this.#came.length > KEPT) this.#came.splice(0, this.#came.length - KEPT);
    this.#frame ??= requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    this.#frame = undefined;
    const known = new Set(this.rows.slice(0, 500).map((row) => row.key));
    const came = this.#came.filter((run) => !known.has(run.request_id));
    this.#came = [];
    const before = this.rows[0];
    const rows = prepend(this.rows, came);
    this.added = before === undefined ? 0 : Math.max(rows.indexOf(before), 0);
    this.rows = rows;
  }
}
