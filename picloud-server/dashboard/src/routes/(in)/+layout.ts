import { auth } from '$lib/api';
import { loading } from '$lib/load';
import { session } from '$lib/session.svelte';

import type { LayoutLoad } from './$types';

export const load: LayoutLoad = ({ url, untrack }) =>
  untrack(() =>
    loading(url, async () => {
      session.me = await auth.me();
      return { me: session.me };
    })
  );
