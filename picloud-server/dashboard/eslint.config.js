import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['build', 'dist', '.svelte-kit', 'node_modules', 'generated'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      'no-console': 'error',
      // Everything that users typed is text, never markup.
      'svelte/no-at-html-tags': 'error',
      // Sets and search parameters that are made, read and dropped need no reactive twin.
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/require-each-key': 'error'
    }
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: {
        projectService: true,
        extraFileExtensions: ['.svelte'],
        parser: ts.parser,
        svelteConfig
      }
    }
  },
  { files: ['scripts/**', 'e2e/**'], rules: { 'no-console': 'off' } }
);
