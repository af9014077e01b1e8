import { redirect } from '@sveltejs/kit';
import { resolve } from '$app/paths';

import { apps } from '$lib/api';
import { loading } from '$lib/load';

import type { LayoutLoad } from './$types';

export const load: LayoutLoad = ({ params, url }) =>
  loading(url, async () => {
    const app = await apps.read(params.app);
    // An old name, or an id, leads to the name of today.
    if (app.value.slug !== params.app) redirect(307, resolve('/(in)/apps/[app]', { app: app.value.slug }));
    return { app: app.value, appTag: app.etag };
  });
