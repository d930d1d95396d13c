/** Aliases that are offered before anybody has set them: what serves, and what may take its place. */
export const OFFERED_ALIASES = ['champion', 'challenger'] as const;
