import { scripts } from '$lib/api';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const [script, versions] = await Promise.all([
      scripts.read(params.script),
      scripts.versions(params.script)
    ]);
    return { script: script.value, versions: versions.sort((a, b) => b.version - a.version) };
  });
