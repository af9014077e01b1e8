// A form's state: busy while it is sent, and what was wrong with it.
import { Problem } from './api';

export class Form {
  busy = $state(false);
  problem = $state.raw<Problem | undefined>();

  /** Runs what sends the form, once at a time; a problem is kept to be shown. Anything else is thrown. */
  async send(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = undefined;
    try {
      await work();
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      this.problem = cause;
    } finally {
      this.busy = false;
    }
  }

  /** For `onsubmit`: sends without a page load. */
  submit(work: () => Promise<void>): (event: SubmitEvent) => void {
    return (event) => {
      event.preventDefault();
      void this.send(work);
    };
  }
}
