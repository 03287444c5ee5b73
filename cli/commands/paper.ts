import type { Command } from 'commander'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { toRunSettings } from '../settings.ts'
import { describePaper } from '../summaries/paper.ts'

const HELP = `
Trades on paper, hour after hour, with the champion's estimates: from Hyperliquid by the clock on the wall, from files or
the simulator with an hour every --pace seconds, the future withheld (from --test-from on, or the last two weeks).
Everything is in the ledger under the state folder. Stop it with Ctrl-C or kill it: the same command goes on where it
was. Without a champion nothing is opened; --versions challenger lets what was trained last steer.

What it holds and why:  millrace ledger show, millrace why BTC
Whether it adds up:     millrace integrity

Examples:
  millrace paper
  millrace paper --source simulated --versions challenger --pace 0.2
  millrace paper --source csv --data ../data --test-from 2025-04-01 --pace 0 --hours 200 --json`

/** `paper`: the wheel on paper, for as long as it is left running. */
export function registerPaper(program: Command): void {
  const command = program.command('paper').description('trade on paper, hour after hour, into a ledger')
  addFlags(command, ['paper', 'data', 'versions', 'place'])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, output, context }) => {
      const settings = { ...toRunSettings(configuration.values), paper: configuration.values.paper }
      const { paperCommand } = await import('#jobs/trading/paper.ts')
      await output.result(await paperCommand(settings, context), describePaper)
    }),
  )
}
