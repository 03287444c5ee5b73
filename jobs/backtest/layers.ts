import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import type { WheelOptions } from '#src/options.ts'
import { HOURS_PER_YEAR } from '#src/performance/sharpe.ts'
import { blockBootstrap, sumByHour } from '#statistics/block-bootstrap.ts'

/** The wheel without one of its layers, to see what the layer is worth. */
export interface LayerVariant {
  /** `without ...` */
  readonly name: string
  /** What is taken away, and what happens in its place. */
  readonly words: string
  readonly change: (options: WheelOptions) => WheelOptions
}

/** A scanner that is not in the weights does not count; the others share what it had. */
function withoutScanner(source: string, words: string): LayerVariant {
  return {
    name: `without ${source}`,
    words: `${words} says nothing, the other scanners share its weight`,
    change(options) {
      const { [source]: _, ...weights } = options.fusion.weights
      return { ...options, fusion: { ...options.fusion, weights } }
    },
  }
}

/** Every layer that can be taken away alone. None changes a scanner's own settings: all can share its answers. */
export const VARIANTS: readonly LayerVariant[] = [
  {
    name: 'without regimes',
    words: 'no regime scales a scanner or closes a position',
    change: (options) => ({ ...options, useRegimes: false }),
  },
  {
    name: 'without gates',
    words: 'moving average, trend efficiency and the own record are not asked',
    change: (options) => ({ ...options, validation: { ...options.validation, enabled: false } }),
  },
  withoutScanner('kalman-funding', 'the Kalman filter of funding'),
  withoutScanner('ou-funding', 'the mean reversion of funding'),
  withoutScanner('cross-section', 'the ranking of coins'),
  withoutScanner('breakout', 'the breakout'),
  withoutScanner('flow', 'the signed volume'),
  {
    name: 'without learning',
    words: 'the weights of the scanners stay as they are configured',
    change: (options) => ({
      ...options,
      fusion: { ...options.fusion, learning: { ...options.fusion.learning, enabled: false } },
    }),
  },
  {
    name: 'without protections',
    words: 'no cooldown, no lock of a coin, no stop after a losing streak or a drawdown',
    change: (options) => ({
      ...options,
      protections: {
        ...options.protections,
        cooldownHours: 0,
        losingStreak: 0,
        losingStreakHours: 0,
        coinLosses: 0,
        coinLockHours: 0,
        maxDrawdown: 1,
        drawdownHours: 0,
      },
    }),
  },
  {
    name: 'without rotation',
    words: 'no position is given up for a better coin',
    change: (options) => ({ ...options, rotation: { ...options.rotation, enabled: false } }),
  },
]

/** The variants that differ from `options`: what is off already is not taken away once more. */
export function variantsOf(options: WheelOptions): { name: string; words: string; options: WheelOptions }[] {
  const same = JSON.stringify(options)
  return VARIANTS.flatMap(({ name, words, change }) => {
    const changed = change(options)
    // A wheel without any weight has no opinion at all: that is not the worth of its last scanner.
    if (JSON.stringify(changed) === same || Object.keys(changed.fusion.weights).length === 0) return []
    return [{ name, words, options: changed }]
  })
}

/** Equity at the end of each told hour, dollars. */
export interface HourlyEquity {
  /** Before the first hour. */
  readonly opening: number
  /** UTC milliseconds, ascending. */
  readonly time: readonly number[]
  readonly value: readonly number[]
}

export interface LayerWorthOptions {
  /** Hours drawn together. Default 168: positions, locks and lessons reach over days. */
  readonly blockHours?: number
  readonly resamples?: number
  /** Coverage of the intervals. */
  readonly level?: number
}

/** An estimate with its interval; `NaN` bounds where the hours are too few for one. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** What a layer brought: the full run minus the run without it. */
export interface LayerWorth {
  /** Mean difference of hourly returns, times the hours of a year. */
  readonly annualReturn: Interval
  /** Difference of what was gained over the range, dollars. */
  readonly dollars: Interval
  /** Two-sided, of no difference of returns; not corrected for the number of layers. */
  readonly p: number
  /** Hours in which both have a return. */
  readonly hours: number
}

const BLOCK_HOURS = 168

/**
 * What a layer is worth: paired moving-block bootstrap of the difference of hourly returns, and of hourly gains, of a
 * run and the same run without the layer. Both runs live through the same hours, so what the market did to both falls
 * out of the difference.
 *
 * For: other periods of the same kind. Not for: layers chosen because of this interval.
 *
 * @throws {InputError} where the two are not of the same hours and the same opening
 */
export function layerWorth(
  full: HourlyEquity,
  variant: HourlyEquity,
  random: Random,
  { blockHours = BLOCK_HOURS, resamples, level }: LayerWorthOptions = {},
): LayerWorth {
  mustMatch(full, variant)
  const [ours, theirs] = [hourlyReturns(full), hourlyReturns(variant)]
  const gained = ({ opening, value }: HourlyEquity, i: number) => value[i] - (i === 0 ? opening : value[i - 1])
  const sums = sumByHour(
    Float64Array.from(full.time),
    3,
    (i) => !Number.isNaN(ours[i] - theirs[i]),
    (i, cells, at) => {
      cells[at] += ours[i] - theirs[i]
      cells[at + 1] += gained(full, i) - gained(variant, i)
      cells[at + 2] += 1
    },
  )
  const yearly = (totals: Float64Array) => (HOURS_PER_YEAR * totals[0]) / totals[2]
  const dollars = (totals: Float64Array) => totals[1]
  // One label: both statistics are of the same resamples.
  const options = () => ({ blockHours, resamples, level, random: random.fork('layer') })
  const returns = blockBootstrap(sums, yearly, yearly, options())
  return {
    annualReturn: intervalOf(returns),
    dollars: intervalOf(blockBootstrap(sums, dollars, dollars, options())),
    p: returns.p,
    hours: returns.hours,
  }
}

const intervalOf = ({ estimate, low, high }: Interval): Interval => ({ estimate, low, high })

/** Simple returns `[hours]`; `NaN` where nothing was left to earn on. */
export function hourlyReturns({ opening, value }: HourlyEquity): Float64Array {
  const returns = new Float64Array(value.length)
  for (let i = 0; i < value.length; i++) {
    const before = i === 0 ? opening : value[i - 1]
    returns[i] = before > 0 ? value[i] / before - 1 : Number.NaN
  }
  return returns
}

function mustMatch(full: HourlyEquity, variant: HourlyEquity): void {
  const fits = (one: HourlyEquity) => one.time.length === one.value.length
  const sameHours = full.time.length === variant.time.length && full.time.every((time, i) => time === variant.time[i])
  if (fits(full) && fits(variant) && sameHours && full.opening === variant.opening) return
  throw new InputError('two runs are compared over the same hours and from the same capital', {
    hours: [full.time.length, variant.time.length],
    opening: [full.opening, variant.opening],
  })
}

/** A corrected p below this is called more than chance. */
const ALPHA = 0.05

/** Whether a layer pays for itself, as far as the hours can tell; `corrected` is p allowing for all layers that were asked. */
export function layerVerdict(
  { annualReturn }: Pick<LayerWorth, 'annualReturn'>,
  corrected: number,
): 'pays' | 'costs' | 'cannot be told' {
  if (!(corrected < ALPHA)) return 'cannot be told'
  return annualReturn.estimate > 0 ? 'pays' : 'costs'
}
