import { routes, scripts } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const [list, routeList] = await Promise.all([scripts.list(params.app), routes.list(params.app)]);
    return { scripts: list, routes: routeList };
  });
