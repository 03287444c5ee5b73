/** A number that cannot be told, with the reason: never read as 0. */
export interface Missing {
  readonly unavailable: string
}

export type Figure = number | Missing

/** Narrows a figure to what is known of it. */
export function isKnown<Known>(figure: Known | Missing): figure is Known {
  return typeof figure !== 'object' || figure === null || !('unavailable' in figure)
}

/** A figure in words: formatted where it is known, else why it is not. */
export function describeFigure(figure: Figure, format: (value: number) => string): string {
  return isKnown(figure) ? format(figure) : `unavailable: ${figure.unavailable}`
}
