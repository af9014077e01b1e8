// Short notes of what was done. They go by themselves and are read out.

const SHOWN_MS = 5000;
/** More would hide the page. */
const AT_ONCE = 2;

export interface Toast {
  id: number;
  text: string;
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 0;

  say(text: string): void {
    const id = this.#next++;
    this.list = [...this.list, { id, text }].slice(-AT_ONCE);
    setTimeout(() => this.drop(id), SHOWN_MS);
  }

  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
