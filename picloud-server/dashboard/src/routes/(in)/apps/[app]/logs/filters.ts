// The filters of the log, as they stand in the page's URL and go to the API.

export const FILTERS = ['script', 'level', 'outcome', 'status', 'since', 'until', 'q'] as const;

export type Filters = Partial<Record<(typeof FILTERS)[number], string>>;

export function filtersOf(search: URLSearchParams): Filters {
  const pairs = FILTERS.map((name) => [name, search.get(name) ?? ''] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

/** What the API is asked: times are local in the page. */
export function toQuery(filters: Filters): Record<string, string> {
  const instant = (local: string): string => new Date(local).toISOString();
  return Object.fromEntries(
    Object.entries(filters).map(([name, value]) => [
      name,
      name === 'since' || name === 'until' ? instant(value) : value
    ])
  );
}
