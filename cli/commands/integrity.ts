import type { Command } from 'commander'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeIntegrity } from '../summaries/integrity.ts'

const HELP = `
Walks through a ledger from its first event and names the first that is wrong: whether each is what was written (a hash
chain), in order, and follows from those before it; whether every amount follows from its size and price, every hour's
equity from its events, and every open position has its mark and funding; whether the stories are those of their
rounds, and SQL sums up to the same account, to the micro-dollar. Exit code 1 if not. It may run beside \`millrace paper\`.
The last hash, noted elsewhere, proves later that nothing before it was changed.

Examples:
  millrace integrity
  millrace integrity --ledger var/backtests/spring/ledger.sqlite --json`

/** `integrity`: whether a ledger holds together. */
export function registerIntegrity(program: Command): void {
  const command = program
    .command('integrity')
    .description('check a ledger and name the first event that is wrong')
    .option('--ledger <file>', 'ledger to check; default: that of paper trading, else of the newest backtest')
  addFlags(command, ['place']).addHelpText('after', HELP)
  command.action(async (options: { ledger?: string }, self: Command) => {
    await execute(async ({ configuration, output, context, reportFailure }) => {
      const { integrityOf } = await import('#jobs/trading/integrity.ts')
      const answer = await integrityOf({ ledger: options.ledger, state: configuration.values.state }, context)
      if (!answer.intact) reportFailure()
      await output.result(answer, describeIntegrity)
    })(options, self)
  })
}
