import type { RunState, RunSummary } from '../../api/types';

/** How the list is sorted: by a metric as `metric:NAME`. */
export type RunSort = 'newest' | 'duration' | 'pipeline' | `metric:${string}`;

/** Which runs the list shows, and in which order. */
export interface IRunFilter {
  /** Looked for in names, notes and tags; words `tag:key` and `tag:key=value` ask for a tag. */
  text: string;

  state: RunState | null;
  experiment: string | null;

  /** Whether those that were put away are shown, instead of the others. */
  archived: boolean;

  /** Values by name; null: any value. */
  tags: Readonly<Record<string, string | null>>;

  sort: RunSort;
  isDescending: boolean;
}

export const ALL_RUNS: IRunFilter = {
  text: '',
  state: null,
  experiment: null,
  archived: false,
  tags: {},
  sort: 'newest',
  isDescending: true
};

/** Tell whether a filter leaves any run out. */
export function isNarrow(filter: IRunFilter): boolean {
  return (
    filter.text.trim() !== '' ||
    filter.state !== null ||
    filter.experiment !== null ||
    filter.archived ||
    Object.keys(filter.tags).length > 0
  );
}

const TAG = /(?:^|\s)tag:([^\s=]+)(?:=("[^"]*"|\S*))?(?=\s|$)/g;

/** Take the words that ask for tags out of a search. */
export function splitSearch(search: string): {
  text: string;
  tags: Record<string, string | null>;
} {
  const tags: Record<string, string | null> = {};
  const text = search.replace(TAG, (_, name: string, value?: string) => {
    tags[name] = value ? value.replace(/^"(.*)"$/, '$1') : null;
    return ' ';
  });
  return { text: text.replace(/\s+/g, ' ').trim(), tags };
}

/** A tag as it is typed into the search. */
export function tagWord(name: string, value: string | null): string {
  return value === null
    ? `tag:${name}`
    : `tag:${name}=${/[\s"]/.test(value) ? `"${value}"` : value}`;
}

/** Read what was typed as a tag. */
export function readTag(text: string): [string, string] | null {
  const [name, ...rest] = text.split('=');
  return /^[^\s=]{1,63}$/.test(name.trim())
    ? [name.trim(), rest.join('=').trim()]
    : null;
}

/** The filter as parameters of `GET /runs`. */
export function toQuery(
  filter: IRunFilter
): Record<string, string | number | null> {
  const { text, tags } = splitSearch(filter.text);
  const wanted = { ...filter.tags, ...tags };
  return {
    text,
    state: filter.state,
    experiment: filter.experiment,
    archived: filter.archived ? 'true' : null,
    tags: Object.keys(wanted).length > 0 ? JSON.stringify(wanted) : null,
    sort: filter.sort === 'newest' ? null : filter.sort,
    order: filter.isDescending ? null : 'asc'
  };
}

/** Tell whether a filter lets a run through: the same test as the engine makes. */
export function matches(run: RunSummary, filter: IRunFilter): boolean {
  const { text, tags } = splitSearch(filter.text);
  const has = ([name, value]: [string, string | null]) =>
    Object.hasOwn(run.tags, name) &&
    (value === null || run.tags[name] === value);
  return (
    (filter.state === null || run.state === filter.state) &&
    (filter.experiment === null || run.experiment === filter.experiment) &&
    run.archived === filter.archived &&
    Object.entries({ ...filter.tags, ...tags }).every(has) &&
    (text === '' || wordsOf(run).includes(text.toLowerCase()))
  );
}

function wordsOf(run: RunSummary): string {
  const tags = Object.entries(run.tags).map(
    ([name, value]) => `${name}=${value}`
  );
  const named = [run.id, run.pipeline, run.title, run.notebook ?? ''];
  return [...named, run.experiment, run.note, ...tags].join('\n').toLowerCase();
}

/** What a run counts for in an order; two runs of the same value stay where they are. */
export function sortValue(run: RunSummary, sort: RunSort): unknown {
  switch (sort) {
    case 'newest':
      return run.number;
    case 'duration':
      return run.duration_s;
    case 'pipeline':
      return run.pipeline;
    default:
      return run.metrics[sort.slice('metric:'.length)];
  }
}

/** As many runs as lines and columns can be told apart. */
export const MOST_COMPARED = 6;
