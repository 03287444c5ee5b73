import type { Command } from 'commander'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { toRunSettings } from '../settings.ts'
import { describeSearch } from '../summaries/search.ts'

const HELP = `
Tries settings, learns from what came of them (a tree-structured Parzen estimator), and gives up early on trials that
do worse than the median. The first trial is what is in force. Only training and validation are ever read: the test
period stays unseen, for evaluate.

  --space model   the regime model: encoder, hidden size, knots, learning rate, dropout, weight decay, label smoothing;
                  by the loss on validation
  --space wheel   Kalman and OU gates, weights of the scanners, thresholds of the wheel; by the Sharpe ratio over all
                  history before the test period, with regimes from models fitted walk-forward
                  (--set backtest.regimes=versions: the champion's, on validation alone)

Trials are jobs of the fleet: workers that train, here or on other machines, share them. Everything is logged; after a
crash or Ctrl-C the same command with --name goes on where it stopped, and --trials can be raised later.
With --parallel 1 the same seed gives the same search.

Examples:
  millrace search --source csv --data ../data --test-from 2025-04-01 --trials 50 --name spring
  millrace search --source simulated --trials 12 --set training.cde.epochs=8 --parallel 1
  millrace search --space wheel --source csv --data ../data --trials 200 --json > search.json`

/** `search`: better settings. */
export function registerSearch(program: Command): void {
  const command = program.command('search').description('search for better settings of the model or the wheel')
  addFlags(command, ['search', 'data', 'training', 'fleet', 'place'])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, output, context }) => {
      const { search, backtest } = configuration.values
      const settings = { ...toRunSettings(configuration.values), search, backtest }
      const { searchCommand } = await import('#jobs/pipeline/search.ts')
      await output.result(await searchCommand(settings, context), describeSearch)
    }),
  )
}
