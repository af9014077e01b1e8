import { domains, routes, scripts } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const [ofApp, routeList, claims] = await Promise.all([
      scripts.list(params.app),
      routes.list(params.app),
      domains.list(params.app)
    ]);
    return { scripts: ofApp, routes: routeList, domains: claims };
  });
