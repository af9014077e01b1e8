// Completion and docs on hover, from what the server says scripts can use.
import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  snippetCompletion
} from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';

import type { Definition } from '$lib/api';

import { type Definitions, nameAt, shortName } from './definitions';
import { RESERVED } from './rhai';

const SNIPPETS = [
  snippetCompletion('if ${condition} {\n\t${}\n}', { label: 'if', type: 'keyword', detail: '{ … }' }),
  snippetCompletion('for ${item} in ${items} {\n\t${}\n}', {
    label: 'for',
    type: 'keyword',
    detail: 'in { … }'
  }),
  snippetCompletion('fn ${name}(${args}) {\n\t${}\n}', { label: 'fn', type: 'keyword', detail: '{ … }' }),
  snippetCompletion('switch ${value} {\n\t${case} => ${},\n\t_ => ()\n}', {
    label: 'switch',
    type: 'keyword',
    detail: '{ … }'
  }),
  snippetCompletion('try {\n\t${}\n} catch (err) {\n\t\n}', {
    label: 'try',
    type: 'keyword',
    detail: 'catch { … }'
  })
];
const TEMPLATED = new Set(SNIPPETS.map((snippet) => snippet.label));
const KEYWORDS: Completion[] = RESERVED.filter((word) => !TEMPLATED.has(word)).map((label) => ({
  label,
  type: 'keyword'
}));

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Signature and docs of what a name means. */
function explanation(definitions: readonly Definition[]): HTMLElement {
  const box = element('div', 'cm-doc', '');
  for (const definition of definitions) {
    box.append(element('div', 'cm-doc-signature', definition.signature));
    if (definition.doc !== '') box.append(element('div', 'cm-doc-text', definition.doc));
  }
  return box;
}

function option(definition: Definition, all: readonly Definition[]): Completion {
  const label = shortName(definition.name);
  const call = definition.signature.includes('(');
  return {
    label,
    type: call ? 'function' : 'property',
    detail: call ? definition.signature.slice(definition.signature.indexOf('(')) : '',
    info: () => explanation(all)
  };
}

/** One entry for each name, whatever forms it has. */
function options(list: readonly Definition[]): Completion[] {
  const names = new Map<string, Definition[]>();
  for (const each of list) names.set(each.name, [...(names.get(each.name) ?? []), each]);
  return [...names.values()].flatMap(([first, ...more]) => (first ? [option(first, [first, ...more])] : []));
}

/** Words of the script itself. */
function words(context: CompletionContext): Completion[] {
  const text = context.state.doc.sliceString(0, 200_000);
  const typed = context.matchBefore(/\w*/)?.text;
  const found = new Set(text.match(/\b[A-Za-z_]\w{1,60}\b/g) ?? []);
  for (const word of RESERVED) found.delete(word);
  if (typed !== undefined) found.delete(typed);
  return [...found].map((label) => ({ label, type: 'variable', boost: -1 }));
}

function complete(context: CompletionContext, definitions: Definitions): CompletionResult | null {
  const before = context.matchBefore(/(?:[A-Za-z_]\w*(?:::|\.))+\w*|\.\w*|\w*/);
  if (before === null) return null;
  const prefix = before.text.match(/^.*(?:::|\.)/)?.[0] ?? '';
  const from = before.from + prefix.length;
  if (prefix !== '') {
    const known = definitions.after(prefix);
    const list = options(known.length === 0 && prefix.endsWith('.') ? definitions.members : known);
    return list.length === 0 ? null : { from, options: list, validFor: /^\w*$/ };
  }
  if (before.text === '' && !context.explicit) return null;
  if (/^\d/.test(before.text)) return null;
  const known = options(definitions.after(''));
  const modules = definitions.modules.map((label) => ({ label, type: 'namespace', apply: `${label}::` }));
  const taken = new Set([...known, ...modules].map((each) => each.label));
  const own = words(context).filter((each) => !taken.has(each.label));
  return { from, options: [...SNIPPETS, ...KEYWORDS, ...modules, ...known, ...own], validFor: /^\w*$/ };
}

export function assist(definitions: Definitions): Extension {
  const hover = hoverTooltip((view, position) => {
    const line = view.state.doc.lineAt(position);
    const found = nameAt(line.text, position - line.from);
    const known = found === undefined ? [] : definitions.of(found.name);
    if (found === undefined || known.length === 0) return null;
    const create = () => ({ dom: explanation(known) });
    return { pos: line.from + found.from, end: line.from + found.to, above: true, create };
  });
  return [autocompletion({ override: [(context) => complete(context, definitions)], icons: false }), hover];
}
