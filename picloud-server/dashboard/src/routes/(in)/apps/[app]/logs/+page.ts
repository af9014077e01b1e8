import { logs, scripts } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';
import { filtersOf, toQuery } from './filters';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const filters = filtersOf(url.searchParams);
    const [page, list] = await Promise.all([
      logs.list(params.app, toQuery(filters)),
      scripts.list(params.app)
    ]);
    return { filters, page, scripts: list };
  });
