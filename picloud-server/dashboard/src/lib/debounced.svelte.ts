// An answer that follows what is typed: asked for after a pause, and only the last one counts.
import { Problem } from './api';

const PAUSE_MS = 200;

export class Debounced<T> {
  value = $state.raw<T | undefined>();
  problem = $state.raw<Problem | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #controller: AbortController | undefined;

  /** Asks after a pause; what is under way is dropped. Without `work` there is nothing to know. */
  ask(work: ((signal: AbortSignal) => Promise<T>) | undefined): void {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    if (work === undefined) {
      this.value = undefined;
      this.problem = undefined;
      return;
    }
    const controller = new AbortController();
    this.#controller = controller;
    this.#timer = setTimeout(() => void this.#run(work, controller.signal), PAUSE_MS);
  }

  async #run(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    try {
      const value = await work(signal);
      if (signal.aborted) return;
      this.value = value;
      this.problem = undefined;
    } catch (cause) {
      if (signal.aborted) return;
      if (!(cause instanceof Problem)) throw cause;
      this.value = undefined;
      this.problem = cause;
    }
  }
}
