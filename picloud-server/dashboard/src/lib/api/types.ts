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

/** A place in a script, from 1. The column is 0 where only the line is known. */
export interface Position {
  line: number;
  column: number;
}

export interface LogLine {
  at: string;
  level: string;
  message: string;
  fields?: Record<string, unknown>;
  position?: Position | null;
}

/** A script function that was active, and where it was called. */
export interface Frame {
  function: string;
  position?: Position | null;
}

/** Why a run failed, and where. */
export interface Failure {
  code: string;
  message: string;
  position?: Position | null;
  trace?: Frame[];
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

export interface RunResult {
  response: { status: number; headers: Record<string, string>; body: string };
  logs: LogLine[];
  stats: { operations: number; wall_us: number; peak_memory: number };
  error: Failure | null;
}

/** One run, as the log keeps it. */
export interface Execution {
  id: string;
  script_id: string;
  script: string;
  version: number;
  trigger: string;
  at: string;
  method: string;
  path: string;
  status: number;
  error: Failure | null;
  lines: LogLine[];
  lines_dropped: number;
  wall_us: number;
  operations: number;
  peak_memory: number;
}

interface Quantiles {
  p50: number;
  p99: number;
}

export interface StatsMinute {
  script_id: string;
  minute: string;
  count: number;
  errors: number;
  wall_us: Quantiles;
}

export interface Stats {
  items: StatsMinute[];
}

export interface SessionInfo {
  id: string;
  current: boolean;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  ip: string | null;
  user_agent: string | null;
}

export interface AdminAccount {
  id: string;
  username: string;
  role: string;
  active: boolean;
  version: number;
  created_at: string;
}

export interface AuditEntry {
  id: string;
  at: string;
  admin_id: string | null;
  username: string;
  ip: string | null;
  action: string;
  refused: string | null;
  app_id: string | null;
  target: string;
  name: string;
  before: string | null;
  after: string | null;
}

export interface Setting {
  name: string;
  value: unknown;
  source: string;
}

export interface Config {
  items: Setting[];
}
