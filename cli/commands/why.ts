import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import { execute } from '../command.ts'
import { parseTimestamp, TIMESTAMP_FORM } from '../config/timestamp.ts'
import { addFlags } from '../flags.ts'
import { describeWhy } from '../summaries/why.ts'

const HELP = `
Tells the whole story of one decision from bars to verdict: what was seen, what each scanner said and why, what the regime
made of it, what it was worth against its cost, everything that spoke against it, and what the exchange did. Without --at
it is the newest decision. The ledger is that of \`millrace paper\`, else that of the newest \`millrace backtest\`.

Examples:
  millrace why BTC
  millrace why BTC --at 2025-04-10T12:00Z
  millrace why SOL --ledger var/backtests/spring/ledger.sqlite --json`

/** `why`: the story of one decision. */
export function registerWhy(program: Command): void {
  const command = program
    .command('why')
    .description('tell the whole story of one decision, from bars to verdict')
    .argument('<coin>', 'coin, e.g. BTC')
    .option('--at <date>', 'hour of the decision; default: the newest')
    .option('--ledger <file>', 'ledger to ask')
  addFlags(command, ['place']).addHelpText('after', HELP)
  command.action(async (coin: string, options: { at?: string; ledger?: string }, self: Command) => {
    await execute(async ({ configuration, output }) => {
      const { why } = await import('#jobs/trading/why.ts')
      const at = options.at === undefined ? undefined : parseTimestamp(options.at)
      if (options.at !== undefined && at === undefined) throw new InputError(`--at: must be ${TIMESTAMP_FORM}`)
      const answer = await why({ coin, at, ledger: options.ledger, state: configuration.values.state })
      await output.result(answer, describeWhy)
    })(options, self)
  })
}
