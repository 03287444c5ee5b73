/** Where a value came from. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string }

/** One value that somebody set. */
export interface Entry {
  /** Dotted path of a leaf. */
  readonly path: string
  readonly value: unknown
  readonly origin: Origin
}

/** What one of file, environment and flags sets; each path at most once, or the last counts. */
export type Layer = readonly Entry[]

export const DEFAULT: Origin = { kind: 'default' }

/** An origin in a few words: `millrace.yaml line 3`, `REDIS_URL`, `--seed`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return `${origin.file} line ${origin.line}`
    case 'environment':
      return origin.variable
    case 'flag':
      return origin.flag
  }
}
