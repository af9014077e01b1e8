// What the API gives and takes.

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** Names of limits with what is set; what is not set is inherited. */
export type LimitOverrides = Record<string, number>;

export interface App {
  id: string;
  slug: string;
  limits: LimitOverrides;
  version: number;
  created_at: string;
}

export interface Domain {
  id: string;
  app_id: string;
  pattern: string;
  unicode: string;
  created_at: string;
}

export interface ScriptSummary {
  id: string;
  app_id: string;
  name: string;
  version: number;
  sha256: string;
  limits: LimitOverrides;
  created_at: string;
  updated_at: string;
  updated_by: string | null;
}

export interface Script extends ScriptSummary {
  source: string;
}

export interface ScriptInput {
  name: string;
  source: string;
  limits?: LimitOverrides;
}

export interface ScriptVersion {
  version: number;
  sha256: string;
  source?: string;
  created_at: string;
  created_by: string | null;
}

export interface Diagnostic {
  line: number;
  column: number;
  severity: string;
  message: string;
}

/** Something that a script can use. */
export interface Definition {
  name: string;
  kind: string;
  signature: string;
  doc: string;
}

export interface Route {
  id: string;
  app_id: string;
  script_id: string;
  method: string;
  path: string;
  enabled: boolean;
  version: number;
  created_at: string;
}

export interface RouteCheck {
  ok: boolean;
  conflicts: Route[];
  shadowed_by: Route[];
}

/** What would answer a request. */
export interface Found {
  matched: boolean;
  claim: string | null;
  app: { id: string; slug: string } | null;
  route: { id: string | null; method: string; path: string } | null;
  script: { id: string; name: string; version: number } | null;
  params: Record<string, string>;
  host_params: Record<string, string>;
  why: { code: string; detail: string; allow?: string[] } | null;
}

export interface RunInput {
  method: string;
  path: string;
  headers: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
}

export interface RunRequest {
  source?: string;
  script_id?: string;
  request: RunInput;
}

export interface LogLine {
  level: string;
  message: string;
  at?: string;
  fields?: Record<string, unknown> | null;
  line?: number | null;
  column?: number | null;
}

export interface Frame {
  function: string;
  line: number | null;
  column: number | null;
}

export interface Failure {
  code: string;
  message: string;
  line: number | null;
  column: number | null;
  call_stack: Frame[];
}

export interface RunResult {
  response: { status: number; headers: [string, string][]; body: string };
  logs: LogLine[];
  stats: { operations: number; wall_time_us: number; memory_peak: number };
  error: Failure | null;
}

export interface Execution {
  id: string;
  request_id: string;
  script_id: string;
  script: string;
  version: number;
  method: string | null;
  path: string | null;
  status: number | null;
  outcome: string;
  at: string;
  duration_us: number;
  operations: number;
  memory_peak: number;
  lines: LogLine[];
  error: Failure | null;
}

export interface Stats {
  items: {
    minute: string;
    script_id: string;
    count: number;
    errors: number;
    latency_us: { p50: number; p99: number };
  }[];
}

export interface Me {
  admin: { id: string; username: string };
  session: { id: string; created_at: string; expires_at: string };
}

export interface SessionInfo {
  id: string;
  created_at: string;
  expires_at: string;
  current: boolean;
}

export interface AdminAccount {
  id: string;
  username: string;
  active: boolean;
  created_at: string;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: string | null;
  action: string;
  subject: string;
}

export interface Setting {
  name: string;
  value: unknown;
  source: string;
}

export interface Config {
  items: Setting[];
}

export interface VersionInfo {
  picloud: string;
  api: number;
  script: number;
  schema: number;
  wire: number;
  public_base_url: string | null;
}
