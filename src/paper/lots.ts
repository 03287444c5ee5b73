import { type Bars, barsKnownAt } from '#data/bars.ts'
import type { Instrument } from '#data/provider.ts'
import type { ExchangeOptions } from '../options/paper.ts'
import type { Contract } from '../venue/venue.ts'
import { contractOf } from './contracts.ts'

/** Hours at the beginning of a history that are looked at, so that what comes later changes nothing. */
const HOURS = 168
const LEAST_TRADED = 24
/** The venue knows no finer size; a volume with more decimals was summed or drawn, and says nothing about lots. */
const MOST_DECIMALS = 8

/**
 * Decimals of a size, read off the volumes of the first week of a history: what is traded are whole lots, so volumes have
 * the decimals of the lot. For sources that have bars and no contracts.
 *
 * @returns undefined where fewer than 24 hours were traded in or the volumes are not on any lot grid.
 */
export function lotDecimalsOf({ volume }: Bars): number | undefined {
  let traded = 0
  let most = 0
  for (let row = 0; row < Math.min(HOURS, volume.length); row++) {
    if (volume[row] === 0) continue
    traded++
    most = Math.max(most, decimalsOf(volume[row]))
  }
  return traded < LEAST_TRADED || most > MOST_DECIMALS ? undefined : most
}

/** Decimals of the shortest text that is this number. */
function decimalsOf(value: number): number {
  const [digits, exponent = '0'] = String(value).split('e')
  const [, fraction = ''] = digits.split('.')
  return Math.max(0, fraction.length - Number(exponent))
}

/**
 * The contract of a coin as it is known at a time: where the venue states no decimals they are read off the volumes known
 * then. A ledger asks for its first hour, so that its contracts stay what they were.
 */
export function contractKnownAt(
  instrument: Instrument | undefined,
  history: Bars,
  time: number,
  { sizeDecimals }: Pick<ExchangeOptions, 'sizeDecimals'>,
): Contract {
  const decimals = instrument?.sizeDecimals === undefined ? lotDecimalsOf(barsKnownAt(history, time)) : undefined
  return contractOf(instrument, history.coin, { sizeDecimals: decimals ?? sizeDecimals })
}
