import { domains, routes, scripts } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const [list, claims, ofApp] = await Promise.all([
      routes.list(params.app),
      domains.list(params.app),
      scripts.list(params.app)
    ]);
    return { routes: list, domains: claims, scripts: ofApp };
  });
