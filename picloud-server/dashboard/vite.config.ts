import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** For `npm run dev`: where the real server listens. */
const server = process.env.PICLOUD_URL ?? 'http://127.0.0.1:8080';

/** SvelteKit hides its announcer with a style attribute, which the content security policy refuses: base.css does it. */
const announcer: Plugin = {
  name: 'announcer-without-style',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('generated/root.svelte')) return undefined;
    return { code: code.replace(/(id="svelte-announcer"[^>]*?) style="[^"]*"/, '$1'), map: null };
  }
};

export default defineConfig({
  plugins: [announcer, sveltekit()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    // Fewer and larger files: each is a request, and a page needs most of them.
    rollupOptions: { output: { experimentalMinChunkSize: 30_000 } }
  },
  server: { proxy: { '/api': server, '/version': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' }
});
