// Texts that lost against a concurrent edit, kept in this browser until they are brought back or thrown away.

const key = (script: string): string => `picloud:draft:${script}`;

export const drafts = {
  read: (script: string): string | undefined => localStorage.getItem(key(script)) ?? undefined,
  keep: (script: string, source: string): void => localStorage.setItem(key(script), source),
  drop: (script: string): void => localStorage.removeItem(key(script))
};
