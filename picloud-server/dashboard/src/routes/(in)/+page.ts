import { redirect } from '@sveltejs/kit';
import { resolve } from '$app/paths';

import { apps } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ url }) =>
  loading(url, async () => {
    const list = await apps.list();
    const [only] = list;
    // Right after the set-up: into the app that answers already.
    if (url.searchParams.has('welcome') && only !== undefined && list.length === 1) {
      redirect(307, resolve(`/apps/${only.slug}?welcome`));
    }
    return { apps: list };
  });
