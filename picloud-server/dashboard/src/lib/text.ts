// Every text of the dashboard.

const plural = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const text = {
  product: 'PiCloud',
  title: (page: string): string => `${page} · PiCloud`,
  skip: 'Skip to content',
  menu: 'Menu',
  loading: 'Loading',
  close: 'Close',
  cancel: 'Cancel',
  copy: 'Copy',
  copied: 'Copied',
  copyOf: (what: string): string => `Copy ${what}`,
  remove: 'Remove',
  none: 'none',
  more: 'Show more',
  count: plural,
  requestId: (id: string): string => `Request ${id}`,
  retryIn: (seconds: number): string => `Try again in ${plural(seconds, 'second', 'seconds')}.`,

  nav: {
    main: 'Main',
    apps: 'Apps',
    admins: 'Admins',
    sessions: 'Sessions',
    settings: 'Settings',
    audit: 'Audit trail',
    about: 'About',
    logOut: 'Log out',
    ofApp: (slug: string): string => `App ${slug}`,
    overview: 'Overview',
    scripts: 'Scripts',
    routes: 'Routes & domains',
    logs: 'Logs',
    appSettings: 'App settings'
  },

  errors: {
    title: 'This page could not be shown',
    notFound: 'There is nothing here',
    notFoundHint: 'It may have been renamed or deleted.',
    home: 'Back to the apps',
    retry: 'Try again',
    unreachable: 'The server does not answer. Is it running?'
  },

  setup: {
    title: 'Create the first admin',
    intro: 'This PiCloud has no admin yet. Choose a name and a password; you are logged in right after.',
    token: 'Set-up code',
    tokenHint: 'Printed by the server when it started. It works once.',
    username: 'User name',
    password: 'Password',
    passwordHint: '12 characters or more. A few unrelated words are easy to keep in mind.',
    submit: 'Create admin',
    gone: 'This PiCloud already has an admin.',
    goneAction: 'Log in'
  },

  login: {
    title: 'Log in',
    username: 'User name',
    password: 'Password',
    submit: 'Log in',
    forgot: 'Password lost? On the server, run',
    forgotCommand: 'picloud admin reset-password NAME'
  },

  apps: {
    title: 'Apps',
    intro: 'An app owns scripts, routes and domains, apart from all others.',
    create: 'New app',
    created: (slug: string): string => `The app ${slug} is there.`,
    slug: 'Name in URLs',
    slugHint: 'Lower-case letters, digits and dashes.',
    empty: 'No apps yet',
    emptyHint: 'Make one: it takes a name, then a script, then a route.',
    since: 'Since',
    open: (slug: string): string => `Open ${slug}`
  },

  overview: {
    endpoints: 'Endpoints',
    endpointsEmpty: 'No endpoint yet',
    endpointsEmptyHint: 'A route gives a script its URL.',
    addRoute: 'Add a route',
    open: 'Open',
    anyMethod: 'any method',
    disabled: 'off',
    script: 'Script',
    needsParam: 'Fill in the captured parts to call it.',
    hour: 'The last hour',
    requests: 'Requests',
    errors: 'Errors',
    latency: 'Latency, p50',
    slowest: 'Latency, p99',
    perMinute: 'a minute',
    quiet: 'No requests in the last hour. Open an endpoint to see it here.',
    failures: 'Last failures',
    failuresEmpty: 'No failures kept. Good.',
    plot: (requests: number, errors: number): string =>
      `Plot of the last hour by minute: ${plural(requests, 'request', 'requests')}, ${plural(errors, 'error', 'errors')}.`,
    welcome: 'You are in. This app answers already.',
    welcomeHint:
      'Next step: open its script, change the greeting and press Ctrl-S. The next request runs it.',
    welcomeAction: 'Edit the hello script'
  },

  scripts: {
    title: 'Scripts',
    create: 'New script',
    name: 'Name',
    nameHint: 'Lower-case letters, digits, dashes and underscores.',
    empty: 'No scripts yet',
    emptyHint: 'A script answers requests. Its last expression is the answer.',
    version: 'Version',
    changed: 'Changed',
    routes: 'Routes',
    noRoutes: 'no route',
    starter: (name: string): string =>
      `// The last expression is the answer.\nlet name = ctx.query.name ?? "world";\nlog::info(\`${name} greets \${name}\`);\n#{ message: \`Hello, \${name}!\` }\n`
  },

  app: {
    rename: 'Rename',
    renameHint: 'URLs with the old name redirect to the new one until another app takes it.',
    renamed: (slug: string): string => `Renamed. The old name redirects to ${slug}.`,
    limits: 'Limits',
    limitsHint: 'Empty means: as the server says.',
    saveLimits: 'Save limits',
    limitsSaved: 'Limits saved. The next run has them.',
    delete: 'Delete this app',
    deleteHint: 'Its scripts, routes, domains and logs go with it. This cannot be undone.',
    deleteConfirm: (slug: string): string => `Type ${slug} to confirm`,
    deleted: (slug: string): string => `The app ${slug} is deleted.`
  }
};
