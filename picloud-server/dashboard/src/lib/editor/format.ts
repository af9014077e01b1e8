// Formats a script: indents every line by its open brackets, and takes spaces from the ends of lines. Texts and comments
// that span lines stay as they are.
import { StringStream } from '@codemirror/language';

import { depth, startsInText, startState, token, type State } from './rhai';

export const INDENT = 4;

export function format(source: string): string {
  const state = startState();
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const formatted = lines.map((line) => formatLine(line, state));
  return `${formatted.join('\n').trimEnd()}\n`;
}

function formatLine(line: string, state: State): string {
  const fixedStart = startsInText(state);
  const text = line.trimStart();
  const steps = fixedStart || text === '' ? 0 : depth(state, text);
  advance(line, state);
  const start = fixedStart ? line : ' '.repeat(INDENT * steps) + text;
  // Spaces at the end of a line that ends inside a text belong to the text.
  return startsInText(state) && state.comment === 0 ? start : start.trimEnd();
}

/** Reads one line. */
function advance(line: string, state: State): void {
  const stream = new StringStream(line, INDENT, INDENT);
  if (line === '') state.line += 1;
  while (!stream.eol()) {
    token(stream, state);
    stream.start = stream.pos;
  }
}
