// Two versions of a script side by side; the right one can be edited where that is wanted.
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

import { shared } from './mount';

export interface Sides {
  left: string;
  right: string;
  leftLabel: string;
  rightLabel: string;
  /** Told of every change on the right; without it both sides are only read. */
  onchange?: (source: string) => void;
}

/** Gives what takes it away again. */
export function mountMerge(parent: HTMLElement, sides: Sides): () => void {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: 'open' });
  const { onchange } = sides;
  const fixed = [EditorState.readOnly.of(true), EditorView.editable.of(false)];
  const label = (text: string) => EditorView.contentAttributes.of({ 'aria-label': text, tabindex: '0' });
  const listener = EditorView.updateListener.of((update) => {
    if (update.docChanged) onchange?.(update.state.doc.toString());
  });
  const view = new MergeView({
    parent: root,
    root,
    a: { doc: sides.left, extensions: [shared, label(sides.leftLabel), fixed] },
    b: {
      doc: sides.right,
      extensions: [shared, label(sides.rightLabel), onchange === undefined ? fixed : listener]
    },
    gutter: true,
    collapseUnchanged: { margin: 3, minSize: 8 }
  });
  return () => view.destroy();
}
