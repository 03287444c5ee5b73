import { InputError } from '#data/errors.ts'
import { type Account, type Holding, holdingTotals } from '../account/account.ts'
import type { History, Trade } from '../ledger/history.ts'

/** Profit and loss by what made it, whole micro-dollars: net = price + funding - fees - slippage. */
export interface Split {
  /** From prices, as if every fill had been at the price its order was decided at; open positions at their marks. */
  readonly price: number
  /** Received; negative: paid. */
  readonly funding: number
  readonly fees: number
  /** Lost between decision and fill; negative: gained. */
  readonly slippage: number
  readonly net: number
}

/** Profit and loss of an account since its beginning, in total, by coin and by source. */
export interface Attribution {
  readonly total: Split
  readonly byCoin: Readonly<Record<string, Split>>
  /** Every scanner that had a share; {@link UNATTRIBUTED} where no scanner is known. Adds up to the total. */
  readonly bySource: Readonly<Record<string, Split>>
}

/** What happened without a position that a scanner had opened. */
const UNATTRIBUTED = 'unattributed'

/** What is to be attributed: an account and the positions that led to it. */
export interface AttributionInput {
  readonly account: Account
  readonly history: Pick<History, 'trades' | 'running'>
}

const NOTHING: Split = { price: 0, funding: 0, fees: 0, slippage: 0, net: 0 }

function splitOf(price: number, funding: number, fees: number, slippage: number): Split {
  return { price, funding, fees, slippage, net: price + funding - fees - slippage }
}

export function addSplits(a: Split, b: Split): Split {
  return splitOf(a.price + b.price, a.funding + b.funding, a.fees + b.fees, a.slippage + b.slippage)
}

export function subtractSplits(a: Split, b: Split): Split {
  return splitOf(a.price - b.price, a.funding - b.funding, a.fees - b.fees, a.slippage - b.slippage)
}

function splitOfHolding(holding: Holding): Split {
  const { realised, unrealised, funding, fees } = holdingTotals(holding)
  // The price result holds what slippage cost: told apart, the price gets it back.
  return splitOf(realised + unrealised + holding.slippage, funding, fees, holding.slippage)
}

function splitOfTrade({ realised, funding, fees, slippage }: Trade): Split {
  return splitOf(realised + slippage, funding, fees, slippage)
}

/**
 * Splits whole micro-dollars by shares, so that the parts add up to the amount: each gets its share rounded towards 0,
 * and what is left goes one by one to the largest remainders (Hamilton's method; ties to the first by name).
 *
 * @param shares by name, 0 or more, not all 0; need not add up to 1
 * @throws {InputError} for shares that cannot be a division
 */
export function apportion(amount: number, shares: Readonly<Record<string, number>>): Record<string, number> {
  const names = Object.keys(shares).sort()
  const sum = names.reduce((total, name) => total + shares[name], 0)
  if (!(sum > 0) || names.some((name) => !(shares[name] >= 0 && shares[name] < Number.POSITIVE_INFINITY))) {
    throw new InputError('shares must be 0 or more and not all 0', { shares })
  }
  const sign = Math.sign(amount)
  const quotas = names.map((name) => (Math.abs(amount) * shares[name]) / sum)
  const parts = quotas.map(Math.floor)
  let left = Math.abs(amount) - parts.reduce((total, part) => total + part, 0)
  const order = quotas.map((quota, i) => ({ i, rest: quota - parts[i] })).sort((a, b) => b.rest - a.rest)
  // Rounding of the quotas can leave -1 as well: the smallest remainder then gives it back.
  for (let next = 0; left > 0; left--) parts[order[next++ % order.length].i]++
  for (let next = order.length - 1; left < 0; next = (next + order.length - 1) % order.length) {
    if (parts[order[next].i] === 0) continue
    parts[order[next].i]--
    left++
  }
  return Object.fromEntries(names.map((name, i) => [name, parts[i] === 0 ? 0 : sign * parts[i]]))
}

function creditTo(sources: Map<string, Split>, split: Split, shares: Readonly<Record<string, number>>): void {
  const known = Object.keys(shares).length > 0 ? shares : { [UNATTRIBUTED]: 1 }
  const price = apportion(split.price, known)
  const funding = apportion(split.funding, known)
  const fees = apportion(split.fees, known)
  const slippage = apportion(split.slippage, known)
  for (const source of Object.keys(known)) {
    const part = splitOf(price[source], funding[source], fees[source], slippage[source])
    sources.set(source, addSplits(sources.get(source) ?? NOTHING, part))
  }
}

/**
 * Profit and loss of an account by coin and source. A position's result, open or closed, is credited to the scanners by
 * their shares in its opening; what a coin's account holds beyond its positions is {@link UNATTRIBUTED}. Coins, sources
 * and total add up to the account's equity change to the micro-dollar.
 */
export function attributionOf({ account, history }: AttributionInput): Attribution {
  const byCoin = new Map([...account.holdings].map(([coin, holding]) => [coin, splitOfHolding(holding)]))
  const rest = new Map(byCoin)
  const bySource = new Map<string, Split>()
  const credit = (coin: string, split: Split, sources: Readonly<Record<string, number>>) => {
    rest.set(coin, subtractSplits(rest.get(coin) ?? NOTHING, split))
    creditTo(bySource, split, sources)
  }
  for (const trade of history.trades) credit(trade.coin, splitOfTrade(trade), trade.sources)
  for (const [coin, { before, sources }] of history.running) {
    const opened = splitOf(before.realised + before.slippage, before.funding, before.fees, before.slippage)
    credit(coin, subtractSplits(byCoin.get(coin) ?? NOTHING, opened), sources)
  }
  for (const split of rest.values()) {
    if (split.price !== 0 || split.funding !== 0 || split.fees !== 0 || split.slippage !== 0) {
      creditTo(bySource, split, {})
    }
  }
  const total = [...byCoin.values()].reduce(addSplits, NOTHING)
  return { total, byCoin: sorted(byCoin), bySource: sorted(bySource) }
}

/** What was earned between two attributions of one ledger, the earlier first. */
export function attributionBetween(earlier: Attribution, later: Attribution): Attribution {
  const between = (before: Readonly<Record<string, Split>>, after: Readonly<Record<string, Split>>) => {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return sorted(new Map(names.map((name) => [name, subtractSplits(after[name] ?? NOTHING, before[name] ?? NOTHING)])))
  }
  return {
    total: subtractSplits(later.total, earlier.total),
    byCoin: between(earlier.byCoin, later.byCoin),
    bySource: between(earlier.bySource, later.bySource),
  }
}

function sorted(splits: ReadonlyMap<string, Split>): Record<string, Split> {
  return Object.fromEntries([...splits].sort(([a], [b]) => (a < b ? -1 : 1)))
}
