import { Problem, server } from '$lib/api';
import { loading, part } from '$lib/load';

import type { PageLoad } from './$types';

const PREFIX = 'limits.';

export const load: PageLoad = ({ url }) =>
  loading(url, async () => {
    const config = await part(server.config());
    const items = config instanceof Problem ? [] : config.items;
    // Names of the limits, each with what the server says.
    const limits = items.flatMap(({ name, value }) =>
      name.startsWith(PREFIX) ? [{ name: name.slice(PREFIX.length), inherited: Number(value) }] : []
    );
    return { limits };
  });
