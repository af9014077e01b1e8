// The Rhai mode with its colours, as an extension.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { tags, Tag } from '@lezer/highlight';

import { parser } from './rhai';

const context = Tag.define(tags.variableName);

const tokenTable = {
  brace: tags.brace,
  bracket: tags.bracket,
  builtin: tags.standard(tags.variableName),
  character: tags.character,
  context,
  function: tags.function(tags.variableName),
  namespace: tags.namespace,
  property: tags.propertyName,
  punctuation: tags.punctuation,
  special: tags.special(tags.string),
  variable: tags.variableName
};

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--syntax-keyword)' },
  { tag: [tags.string, tags.character], color: 'var(--syntax-string)' },
  { tag: tags.special(tags.string), color: 'var(--syntax-keyword)' },
  { tag: [tags.number, tags.atom], color: 'var(--syntax-number)' },
  { tag: tags.comment, color: 'var(--syntax-comment)', fontStyle: 'italic' },
  {
    tag: [tags.function(tags.variableName), tags.standard(tags.variableName)],
    color: 'var(--syntax-function)'
  },
  { tag: [tags.namespace, context], color: 'var(--syntax-module)' }
]);

export const rhai: Extension = [
  StreamLanguage.define({ ...parser, tokenTable }),
  syntaxHighlighting(colours)
];
