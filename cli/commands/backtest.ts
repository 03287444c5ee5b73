import type { Command } from 'commander'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { toRunSettings } from '../settings.ts'
import { describeBacktest } from '../summaries/backtest.ts'

const HELP = `
Runs the engine of paper trading over history: all coins of the source unless --coins names some, from --from on (the
history before it is loaded too, and models are fitted on it). Regimes come from models that are fitted anew every 30 days
to nothing but what lies before; they are kept, so that a second backtest does not fit them again. Beside it the same run
without each layer, doing nothing, and holding BTC.

It leaves a report and a ledger; \`millrace why <coin> --at <hour>\` tells the story of any decision.

Examples:
  millrace backtest --source csv --data ../data --from 2024-12-05 --to 2025-05-20
  millrace backtest --source csv --data ../data --model hmm --name spring --json
  millrace backtest --source simulated --set backtest.layers=false --set wheel.sizing.maxPositions=3
  millrace backtest --source simulated --set backtest.ofPaper=true   # the hours of \`millrace paper\`, for graduation`

/** `backtest`: what the strategy would have done, and what each layer of it was worth. */
export function registerBacktest(program: Command): void {
  const command = program
    .command('backtest')
    .description('run the whole strategy over history, with and without each layer')
  addFlags(command, ['backtest', 'data', 'versions', 'place'])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, output, context }) => {
      const settings = { ...toRunSettings(configuration.values), backtest: configuration.values.backtest }
      const { backtestCommand } = await import('#jobs/trading/backtest.ts')
      await output.result(await backtestCommand(settings, context), describeBacktest)
    }),
  )
}
