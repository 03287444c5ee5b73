import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Engine } from '#src/engine.ts'
import { followIntegrity, type LedgerFollower } from '#src/ledger/follow-integrity.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { openSqliteLedger, type SqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { WheelOptions } from '#src/options.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook } from '#src/wheel/snapshot.ts'

/** The engine of paper trading with its ledger open. */
export interface Trader {
  readonly engine: Engine
  readonly ledger: SqliteLedger
  /** Checks what was added to the ledger since it was asked last. */
  readonly follower: LedgerFollower
}

/** Keeps the ledger of this process open between steps. */
export interface TraderKeeper {
  /**
   * Calls `work` with the trader. Where that throws, the ledger is closed and read anew the next time: what was recorded
   * and not committed must not be gone on from.
   */
  use<T>(work: (trader: Trader) => Promise<T> | T): Promise<T>
  close(): void
}

/**
 * @param path the ledger, made where it is missing.
 */
export function createTraderKeeper(path: string, options: WheelOptions): TraderKeeper {
  let open: Trader | undefined
  // What scanners said depends on the market alone: it outlives a ledger that had to be read anew.
  const book = createScanBook(createScanners(options), options.fusion.learning.horizonHours)

  const trader = async (): Promise<Trader> => {
    if (open !== undefined) return open
    await mkdir(dirname(path), { recursive: true })
    const ledger = openSqliteLedger(path, { durable: true })
    try {
      const journal = openJournal(ledger)
      const venue = createPaperExchange(options.exchange)
      open = { engine: { journal, venue, book, options, keepStories: true }, ledger, follower: followIntegrity(ledger) }
      return open
    } catch (error) {
      ledger.close()
      throw error
    }
  }
  const close = () => {
    open?.ledger.close()
    open = undefined
  }

  return {
    async use(work) {
      const current = await trader()
      try {
        return await work(current)
      } catch (error) {
        if (open === current) close()
        throw error
      }
    },
    close,
  }
}
