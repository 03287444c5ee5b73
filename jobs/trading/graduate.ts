import type { Bars } from '#data/bars.ts'
import type { Instrument } from '#data/provider.ts'
import { nextGraduation } from '#src/graduation/graduation.ts'
import type { Journal } from '#src/ledger/journal.ts'
import type { SqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { WheelOptions } from '#src/options.ts'
import type { RunContext } from '../pipeline/settings.ts'
import { reviewApart } from './ledger-apart.ts'

/**
 * Takes the step between paper and money that the gates ask for: eligible once there are days enough, back or demoted at
 * once. Paper is held against a backtest over its own hours.
 */
export async function graduate(
  journal: Journal,
  store: SqliteLedger,
  { bars, instruments }: { readonly bars: readonly Bars[]; readonly instruments: readonly Instrument[] },
  { graduation: options }: WheelOptions,
  { logger, signal }: Pick<RunContext, 'logger' | 'signal'>,
): Promise<void> {
  const { state } = journal
  if (state.graduation === 'paper' && state.history.hours.length < options.minDays * 24) return
  if (state.graduation === 'demoted') return
  const gates = await reviewApart({ path: store.path, bars, instruments, options }, signal)
  const step = nextGraduation(state, gates, state.time)
  if (step === undefined) return
  journal.record(step)
  journal.commit()
  logger.warn({ from: step.from, to: step.to }, `graduation: from ${step.from} to ${step.to}: ${step.reason}`)
}
