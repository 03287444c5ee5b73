import { coreCoins } from '#data/core-coins.ts'
import type { Difference } from './differences.ts'
import type { ContestantSummary } from './summarise.ts'

/** Something that was aimed at on the eight core coins, and what was reached. */
export interface Aim {
  readonly name: string
  readonly aim: number
  readonly reached: number
  readonly met: boolean
}

/**
 * The aims for the eight core coins, on the last test block, means over seeds: reported, not asked for by the verdict.
 *
 * @returns nothing where other coins are evaluated
 */
export function aimsOf(
  coins: readonly string[],
  { chosen, hmm }: Readonly<Record<'chosen' | 'hmm', ContestantSummary>>,
  differences: readonly Difference[],
): Aim[] | undefined {
  if (coins.length !== coreCoins.length || !coreCoins.every((coin) => coins.includes(coin))) return undefined
  const lead = (over: string) =>
    differences.find(({ first, second, over: where }) => first === 'chosen' && second === over && where === 'last')
  const better = coins.filter((coin) => chosen.coins[coin].last.mean > hmm.coins[coin].last.mean).length
  const atLeast = (name: string, aim: number, reached: number) => ({ name, aim, reached, met: reached >= aim })
  const overRule = lead('rule')?.low ?? Number.NaN
  const ece = chosen.last.eceCalibrated.mean
  return [
    atLeast('macro-F1 of the neural CDE', 0.56, chosen.last.macroF1.mean),
    atLeast('lead over the HMM, macro-F1', 0.1, lead('hmm')?.difference ?? Number.NaN),
    { name: 'lower end of the interval of the lead over the hand rule', aim: 0, reached: overRule, met: overRule > 0 },
    atLeast('coins on which it is better than the HMM', coins.length, better),
    { name: 'expected calibration error after calibration, at most', aim: 0.03, reached: ece, met: ece <= 0.03 },
  ]
}
