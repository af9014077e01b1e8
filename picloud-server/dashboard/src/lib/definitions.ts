// What scripts can use, asked of the server once.
import { Problem, scripts, type Definition } from './api';

let asked: Promise<Definition[]> | undefined;

export function definitions(): Promise<Definition[]> {
  asked ??= ask();
  return asked;
}

/** Without definitions the editor only completes less: it opens all the same. */
async function ask(): Promise<Definition[]> {
  try {
    return await scripts.definitions();
  } catch (cause) {
    asked = undefined;
    if (cause instanceof Problem && cause.status !== 401) return [];
    throw cause;
  }
}
