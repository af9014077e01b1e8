import { server } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ url }) => loading(url, async () => ({ config: await server.config() }));
