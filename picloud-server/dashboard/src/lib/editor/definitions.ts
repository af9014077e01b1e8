// What the server says scripts can use, ordered for completion and hover.
import type { Definition } from '$lib/api';

/** Definitions by what stands before the name: `ctx.`, `log::`, or nothing. */
export class Definitions {
  readonly #byPrefix = new Map<string, Definition[]>();

  constructor(list: readonly Definition[]) {
    for (const definition of list) {
      const prefix = prefixOf(definition.name);
      const group = this.#byPrefix.get(prefix);
      if (group === undefined) this.#byPrefix.set(prefix, [definition]);
      else group.push(definition);
    }
  }

  /** What can follow a prefix. */
  after(prefix: string): readonly Definition[] {
    return this.#byPrefix.get(prefix) ?? [];
  }

  /** What can stand after the dot of any value: its type is not known here. */
  get members(): readonly Definition[] {
    return [...this.#byPrefix].flatMap(([prefix, list]) => (/^[A-Z]\w*\.$/.test(prefix) ? list : []));
  }

  /** Names of all modules. */
  get modules(): string[] {
    return [...this.#byPrefix.keys()]
      .filter((prefix) => prefix.endsWith('::'))
      .map((prefix) => prefix.slice(0, -2));
  }

  /** All that a name means where it stands: functions may be there in several forms. */
  of(name: string): readonly Definition[] {
    return this.after(prefixOf(name)).filter((definition) => definition.name === name);
  }
}

/** `log::` of `log::info`, `ctx.` of `ctx.path`, nothing of `html`. */
export function prefixOf(name: string): string {
  return name.match(/^.*(?:::|\.)/)?.[0] ?? '';
}

/** The last part of a name. */
export function shortName(name: string): string {
  return name.slice(prefixOf(name).length);
}

/** The name, with what stands before it, at a place in a line. */
export function nameAt(line: string, column: number): { from: number; to: number; name: string } | undefined {
  for (const found of line.matchAll(/(?:[A-Za-z_]\w*(?:::|\.))*[A-Za-z_]\w*/g)) {
    const from = found.index;
    const to = from + found[0].length;
    if (column < from || column > to) continue;
    // Only as far as the part that is pointed at: `ctx.params` of `ctx.params.name` at `params`.
    const rest = line.slice(column, to).match(/^\w*/)?.[0].length ?? 0;
    const name = line.slice(from, column + rest);
    return name === '' ? undefined : { from, to: column + rest, name };
  }
  return undefined;
}
