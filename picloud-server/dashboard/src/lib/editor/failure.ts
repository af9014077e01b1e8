// The failure of the last run, marked at its line with the call stack.
import { RangeSet, StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, EditorView, gutter, GutterMarker, hoverTooltip } from '@codemirror/view';

/** What went wrong in a run, and where. Lines count from 1. */
export interface Mark {
  line: number;
  message: string;
  stack: string[];
}

export const setFailure = StateEffect.define<Mark | undefined>();

interface Marked {
  mark: Mark;
  /** Where the line starts; moves with the text. */
  at: number;
}

const field = StateField.define<Marked | undefined>({
  create: () => undefined,
  update(marked, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setFailure)) continue;
      if (effect.value === undefined) return undefined;
      const line = Math.min(Math.max(effect.value.line, 1), transaction.state.doc.lines);
      return { mark: effect.value, at: transaction.state.doc.line(line).from };
    }
    return marked && { ...marked, at: transaction.changes.mapPos(marked.at) };
  }
});

function description(mark: Mark): string {
  return [mark.message, ...mark.stack.map((frame) => `  ${frame}`)].join('\n');
}

class FailureMarker extends GutterMarker {
  constructor(readonly mark: Mark) {
    super();
  }

  override eq(other: FailureMarker): boolean {
    return other.mark === this.mark;
  }

  override toDOM(): Node {
    const dot = document.createElement('span');
    dot.className = 'cm-failure-dot';
    dot.textContent = '●';
    dot.title = description(this.mark);
    dot.setAttribute('role', 'img');
    dot.setAttribute('aria-label', description(this.mark));
    return dot;
  }
}

const lines = EditorView.decorations.compute([field], (state) => {
  const marked = state.field(field);
  const line = Decoration.line({ class: 'cm-failure-line' });
  return marked === undefined
    ? Decoration.none
    : Decoration.set(line.range(state.doc.lineAt(marked.at).from));
});

const marks = gutter({
  class: 'cm-failure-gutter',
  markers: (view) => {
    const marked = view.state.field(field);
    if (marked === undefined) return RangeSet.empty;
    return RangeSet.of(new FailureMarker(marked.mark).range(view.state.doc.lineAt(marked.at).from));
  },
  initialSpacer: () => new FailureMarker({ line: 1, message: '', stack: [] })
});

const hover = hoverTooltip((view, position) => {
  const marked = view.state.field(field);
  const line = view.state.doc.lineAt(position);
  if (marked === undefined || view.state.doc.lineAt(marked.at).from !== line.from) return null;
  const create = () => {
    const dom = document.createElement('div');
    dom.className = 'cm-doc cm-doc-failure';
    dom.textContent = description(marked.mark);
    return { dom };
  };
  return { pos: line.from, end: line.to, above: true, create };
});

export const failureMarks: Extension = [field, lines, marks, hover];
