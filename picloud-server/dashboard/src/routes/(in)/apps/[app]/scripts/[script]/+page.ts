import { routes, scripts } from '$lib/api';
import { definitions } from '$lib/definitions';
import { loading } from '$lib/load';

import type { PageLoad } from './$types';

export const load: PageLoad = ({ params, url }) =>
  loading(url, async () => {
    const [script, known, list, editor] = await Promise.all([
      scripts.read(params.script),
      definitions(),
      routes.list(params.app),
      import('$lib/editor/mount')
    ]);
    const ofScript = list.filter((route) => route.script_id === params.script);
    return {
      script: script.value,
      tag: script.etag,
      definitions: known,
      routes: ofScript,
      mount: editor.mount
    };
  });
