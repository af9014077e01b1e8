// Puts an editor for a script into the page.
//
// It lives in a shadow tree: there CodeMirror styles itself through constructed style sheets, which the content security
// policy allows, while style elements it does not.
import {
  acceptCompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { type Diagnostic as Lint, linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { type Extension, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers
} from '@codemirror/view';

import type { Definition, Diagnostic } from '$lib/api';

import { assist } from './assist';
import { Definitions } from './definitions';
import { failureMarks, type Mark, setFailure } from './failure';
import { format, INDENT } from './format';
import { rhai } from './language';
import { theme } from './theme';

export interface Options {
  source: string;
  label: string;
  definitions: readonly Definition[];
  /** What the server says about a source. */
  check: (source: string) => Promise<Diagnostic[]>;
  onchange: (source: string) => void;
  onsave: () => void;
}

export interface Handle {
  /** Replaces the whole text; it can be undone. */
  replace: (source: string) => void;
  format: () => void;
  mark: (failure: Mark | undefined) => void;
  goTo: (line: number, column?: number) => void;
  destroy: () => void;
}

/** Wait after the last key before the server is asked. */
const CHECK_DELAY_MS = 250;

/** Looks and languages that every view of a script shares. */
export const shared: Extension = [
  lineNumbers(),
  drawSelection(),
  bracketMatching(),
  indentUnit.of(' '.repeat(INDENT)),
  rhai,
  theme,
  EditorView.lineWrapping
];

/** A place of the server's, lines and columns from 1, in the text. */
function offset(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return Math.min(found.from + Math.max(column - 1, 0), found.to);
}

function lint(doc: Text, diagnostic: Diagnostic): Lint {
  const from = offset(doc, diagnostic.line, diagnostic.column);
  const line = doc.lineAt(from);
  const word = doc.sliceString(from, line.to).match(/^\w+|^./)?.[0].length ?? 0;
  const severity = diagnostic.severity === 'error' ? 'error' : 'warning';
  return { from, to: Math.min(from + word, line.to), severity, message: diagnostic.message };
}

function diagnostics(check: Options['check']): Extension {
  return linter(
    async (view) => {
      const doc = view.state.doc;
      // Without an answer there is nothing to say about the source.
      const found = await check(doc.toString()).catch(() => []);
      return view.state.doc === doc ? found.map((each) => lint(doc, each)) : [];
    },
    { delay: CHECK_DELAY_MS }
  );
}

export function mount(parent: HTMLElement, options: Options): Handle {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: 'open' });
  const save = () => {
    options.onsave();
    return true;
  };
  const reformat = (view: EditorView) => {
    replace(view, format(view.state.doc.toString()));
    return true;
  };
  const view = new EditorView({
    parent: root,
    root,
    doc: options.source,
    extensions: [
      keymap.of([
        { key: 'Mod-s', run: save, preventDefault: true },
        { key: 'Shift-Alt-f', run: reformat, preventDefault: true },
        // The page runs the script on it; CodeMirror would add a line.
        { key: 'Mod-Enter', run: () => true },
        { key: 'Tab', run: acceptCompletion }
      ]),
      failureMarks,
      shared,
      lintGutter(),
      diagnostics(options.check),
      history(),
      indentOnInput(),
      closeBrackets(),
      assist(new Definitions(options.definitions)),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...defaultKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...lintKeymap,
        indentWithTab
      ]),
      EditorView.contentAttributes.of({ 'aria-label': options.label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onchange(update.state.doc.toString());
      })
    ]
  });
  return {
    replace: (source) => replace(view, source),
    format: () => reformat(view),
    mark: (failure) => view.dispatch({ effects: setFailure.of(failure) }),
    goTo: (line, column = 1) => goTo(view, line, column),
    destroy: () => view.destroy()
  };
}

/** Replaces what differs, so that the cursor and the view stay where they are. */
function replace(view: EditorView, source: string): void {
  const old = view.state.doc.toString();
  if (old === source) return;
  let from = 0;
  while (from < old.length && from < source.length && old[from] === source[from]) from += 1;
  let end = 0;
  const most = Math.min(old.length, source.length) - from;
  while (end < most && old[old.length - 1 - end] === source[source.length - 1 - end]) end += 1;
  view.dispatch({ changes: { from, to: old.length - end, insert: source.slice(from, source.length - end) } });
}

function goTo(view: EditorView, line: number, column: number): void {
  const position = offset(view.state.doc, line, column);
  view.dispatch({
    selection: { anchor: position },
    effects: EditorView.scrollIntoView(position, { y: 'center' })
  });
  view.focus();
}
