import adapter from '@sveltejs/adapter-static';

import { sourcesHash } from './scripts/sources.js';

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    alias: { $generated: 'generated' },
    adapter: adapter({ pages: 'dist', assets: 'dist', fallback: 'index.html' }),
    paths: { base: '/admin', relative: false },
    // The same sources give the same files.
    version: { name: sourcesHash().slice(0, 16) },
    router: { resolution: 'client' }
  }
};
