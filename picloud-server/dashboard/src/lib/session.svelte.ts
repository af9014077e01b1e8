// Who is logged in, for every page. The session itself is a cookie that no script can read.
import type { Me } from './api';

class Session {
  me = $state.raw<Me | undefined>();
}

export const session = new Session();
