import { InputError } from '#data/errors.ts'
import type { Journal } from '../ledger/journal.ts'
import { isolatedMargin } from './margin.ts'

/**
 * Moves cash from the cross account into an isolated position, or back where `amount` is negative: initial margin before
 * the fill that opens it, more later. Whether the cross account can spare it is the caller's question to
 * `availableMargin`.
 *
 * @param amount whole micro-dollars.
 * @throws {InputError} where the coin's margin is not isolated: money of its own would be lost to the cross account.
 */
export function fundIsolated(journal: Journal, coin: string, amount: number, time: number): void {
  if (journal.state.account.holdings.get(coin)?.mode !== 'isolated') {
    throw new InputError(`${coin}: margin can only be moved into an isolated position`, { coin, time })
  }
  if (amount !== 0) journal.record({ kind: 'transfer', time, coin, amount })
}

/**
 * Gives what is left of a closed isolated position back to the cross account; nothing happens while it is open. A
 * position that its owner closed beyond its margin is made good by the cross account.
 */
export function releaseMargin(journal: Journal, coin: string, time: number): void {
  const holding = journal.state.account.holdings.get(coin)
  if (holding === undefined || holding.size !== 0 || holding.rawUsd === 0) return
  journal.record({ kind: 'transfer', time, coin, amount: -holding.rawUsd })
}

/**
 * What a fill that closed a part of a strictly isolated position sets free: margin cannot be taken out of one, it
 * shrinks in proportion (Hyperliquid document, section 6). Nothing where it has none left.
 *
 * @param share of the position that was closed, 0 to 1; the rest is still open, at the mark of that fill.
 */
export function shrinkMargin(journal: Journal, coin: string, share: number, time: number): void {
  const holding = journal.state.account.holdings.get(coin)
  if (holding === undefined || holding.size === 0) return
  const amount = Math.floor(isolatedMargin(holding) * share)
  if (amount > 0) fundIsolated(journal, coin, -amount, time)
}
