// Short notes of what was done. They go by themselves and are read out.

const SHOWN_MS = 5000;

export interface Toast {
  id: number;
  text: string;
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 0;

  say(text: string): void {
    const id = this.#next++;
    this.list.push({ id, text });
    setTimeout(() => this.drop(id), SHOWN_MS);
  }

  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
