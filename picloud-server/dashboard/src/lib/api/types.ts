// What the API gives and takes: names for the types made from its OpenAPI document (`npm run types`).
import type { components } from '$generated/api';

type Schemas = components['schemas'];

export type App = Schemas['App'];
export type Diagnostic = Schemas['Diagnostic'];
export type Domain = Schemas['Domain'];
/** What would answer a request. */
export type Found = Schemas['MatchAnswer'];
/** Names of limits with what is set; what is not set is inherited. */
export type LimitOverrides = Schemas['LimitOverrides'];
export type Me = Schemas['Me'];
export type Route = Schemas['Route'];
export type RouteCheck = Schemas['RouteCheck'];
export type Script = Schemas['Script'];
export type ScriptInput = Schemas['ScriptInput'];
export type ScriptSummary = Schemas['ScriptSummary'];
export type VersionInfo = Schemas['Version'];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface ScriptVersion {
  version: number;
  sha256: string;
  source?: string;
  created_at: string;
  created_by: string | null;
}

/** Something that a script can use. */
export interface Definition {
  name: string;
  kind: string;
  signature: string;
  doc: string;
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
