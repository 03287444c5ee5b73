import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import type { ValidationOptions } from '../options/validation.ts'
import { efficiencyGate } from './efficiency.ts'
import { movingAverageGate } from './moving-average.ts'
import { type Reason, unavailable } from './reason.ts'
import { recordGate, type TradingRecord } from './record.ts'

/** A position that somebody would like to open. */
export interface ValidationInput {
  /** History of the coin; bars not known at `asOf` are not looked at. */
  readonly bars: Bars
  readonly asOf: number
  readonly direction: 1 | -1
  /** What the strategy brought lately, see `tradingRecord`; the gate is silent without it. */
  readonly record?: TradingRecord | undefined
}

/** The validator's answer, with every reason and not the first only. */
export interface Verdict {
  readonly accepted: boolean
  /** Factor of the conviction: 1, or more where the market moves in a straight line. */
  readonly confidence: number
  readonly reasons: readonly Reason[]
  /** What is to be known beside: gates that could not or need not speak. */
  readonly remarks: readonly string[]
}

/**
 * Asks every gate about a position; fails closed where a gate cannot tell.
 *
 * With `enabled: false` no gate is asked. That a bar was closed at the hour is no gate: there is no price to decide at
 * without it.
 */
export function validate(input: ValidationInput, options: ValidationOptions): Verdict {
  const { asOf, bars, direction, record } = input
  const row = lowerBound(bars.openTime, asOf - HOUR)
  if (bars.openTime[row] !== asOf - HOUR) {
    return verdict(1, [unavailable('bars', 'no bar was closed at this hour')], [])
  }
  if (!options.enabled) return verdict(1, [], ['validation: switched off'])
  const average = movingAverageGate(bars, row, direction, options)
  const efficiency = efficiencyGate(bars, row, options)
  const past = options.record.enabled
    ? recordGate(record, options.record)
    : { reasons: [], remark: 'record: switched off' }
  const reasons = [average, efficiency.reason, ...past.reasons].filter((reason) => reason !== undefined)
  return verdict(efficiency.confidence, reasons, past.remark === undefined ? [] : [past.remark])
}

function verdict(confidence: number, reasons: readonly Reason[], remarks: readonly string[]): Verdict {
  return { accepted: reasons.length === 0, confidence, reasons, remarks }
}
