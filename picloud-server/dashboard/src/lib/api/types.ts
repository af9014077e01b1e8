// What the API gives and takes: names for the types made from its OpenAPI document (`npm run types`).
import type { components } from '$generated/api';

export type Schemas = components['schemas'];

export type AdminAccount = Schemas['AdminAccount'];
export type App = Schemas['App'];
export type AuditEntry = Schemas['AuditEntry'];
export type Config = Schemas['Config'];
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
export type SessionInfo = Schemas['SessionInfo'];
export type Stats = Schemas['Statistics'];
export type StatsMinute = Schemas['StatisticsBucket'];
export type VersionInfo = Schemas['Version'];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
