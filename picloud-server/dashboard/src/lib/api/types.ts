// What the API gives and takes: names for the types made from its OpenAPI document (`npm run types`).
import type { components } from '$generated/api';

export type Schemas = components['schemas'];

export type App = Schemas['App'];
/** Something that a script can use. */
export type Definition = Schemas['Definition'];
export type Diagnostic = Schemas['Diagnostic'];
export type Domain = Schemas['Domain'];
/** One run, as the log keeps it. */
export type Execution = Schemas['Execution'];
/** Why a run failed, and where. */
export type Failure = Schemas['ExecutionError'];
/** What would answer a request. */
export type Found = Schemas['MatchAnswer'];
/** Names of limits with what is set; what is not set is inherited. */
export type LimitOverrides = Schemas['LimitOverrides'];
/** A script function that was active, and where it was called. */
export type Frame = Schemas['Call'];
export type LogLine = Schemas['LogLine'];
export type Me = Schemas['Me'];
export type Route = Schemas['Route'];
export type RouteCheck = Schemas['RouteCheck'];
export type RunInput = Schemas['TestRequest'];
export type RunRequest = Schemas['TestRun'];
export type RunResult = Schemas['TestResult'];
export type Script = Schemas['Script'];
export type ScriptInput = Schemas['ScriptInput'];
export type ScriptSummary = Schemas['ScriptSummary'];
/** A version in a list: all but its source. */
export type ScriptVersion = Schemas['ScriptVersionSummary'];
export type Stats = Schemas['Statistics'];
export type StatsMinute = Schemas['StatisticsBucket'];
export type VersionInfo = Schemas['Version'];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
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
  changeable: boolean;
}

export interface Config {
  items: Setting[];
}
