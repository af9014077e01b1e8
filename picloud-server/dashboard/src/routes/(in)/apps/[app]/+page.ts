import { apps, domains, logs, routes, scripts } from '$lib/api';
import { loading, part } from '$lib/load';

import type { PageLoad } from './$types';

const HOUR_MS = 3_600_000;

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const now = Date.now();
    const [ofApp, routeList, claims, stats, failures] = await Promise.all([
      scripts.list(params.app),
      routes.list(params.app),
      domains.list(params.app),
      part(apps.stats(params.app, new Date(now - HOUR_MS).toISOString())),
      part(logs.list(params.app, { outcome: 'failed', limit: '5' }))
    ]);
    return { scripts: ofApp, routes: routeList, domains: claims, stats, failures, now };
  });
