/** Aliases that are offered before anybody has set them: what serves, and what may take its place. */
export const OFFERED_ALIASES = ['champion', 'challenger'] as const;

/** Aliases with the version they point at: those that are offered first, then the others by name. */
export function inOrder(
  aliases: Readonly<Record<string, number>>
): [alias: string, version: number][] {
  const offered: readonly string[] = OFFERED_ALIASES;
  const rank = (alias: string) =>
    offered.includes(alias) ? offered.indexOf(alias) : offered.length;
  return Object.entries(aliases).sort(
    ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)
  );
}
