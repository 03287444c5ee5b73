import { isKnown, type Missing } from '#src/performance/figure.ts'
import * as format from '#training/report/format.ts'

const MINUS = '−'

/** +1.2 % or −1.2 %, with a true minus; two places below a tenth of a percent. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–'
  if (share === 0) return '0 %'
  const digits = Math.abs(share) < 0.001 ? 3 : Math.abs(share) < 0.01 ? 2 : 1
  return `${share < 0 ? MINUS : '+'}${(100 * Math.abs(share)).toFixed(digits)} %`
}

/** +12.34 or −12.34; dollars. */
export function signedUsd(dollars: number): string {
  return `${dollars < 0 ? '' : '+'}${format.usd(dollars)}`
}

/** `a`, `a and b`, `a, b and c`. */
export function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`
}

/** A figure for a cell or a card: formatted, or a dash where it is not known. */
export function figureText<Known>(figure: Known | Missing, how: (value: Known) => string): string {
  return isKnown(figure) ? how(figure) : '–'
}

/** Why a figure is not known; empty where it is. */
export function whyMissing(figure: unknown | Missing): string {
  return isKnown(figure) ? '' : (figure as Missing).unavailable
}

/** With a capital letter at the beginning. */
export const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** With so many places, a true minus, and no minus before a zero. */
export function decimals(value: number, places = 1): string {
  const digits = Math.abs(value).toFixed(places)
  return value < 0 && Number(digits) !== 0 ? `${MINUS}${digits}` : digits
}
