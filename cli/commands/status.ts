import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeStatus } from '../summaries/status.ts'

const HELP = `
Asks the \`millrace up\` that runs on the state folder, or the one that --url names: its queues and workers, the newest
round and what served in it, the age of the data, the ledger, the newest retraining, what failed for good.
Exit code 1 where the fleet is not ready or degraded.

Examples:
  millrace status
  millrace status --json
  millrace status --url http://127.0.0.1:9470`

/** `status`: how a running fleet is. */
export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .description('say how a running fleet is: rounds, queues, workers, model, data, ledger')
    .option('--url <address>', 'HTTP end of the fleet; default: that of the fleet on the state folder')
  addFlags(command, ['place']).addHelpText('after', HELP)
  command.action(async (options: { url?: string }, self: Command) => {
    await execute(async ({ configuration, output, reportFailure }) => {
      const { askFleet } = await import('#jobs/watch/ask.ts')
      const answer = await askFleet(options.url ?? (await addressOf(configuration.values.state)))
      if (!answer.ready || answer.degraded) reportFailure()
      await output.result(answer, describeStatus)
    })(options, self)
  })
}

/** @throws {InputError} where no fleet runs there, or none that can be asked */
async function addressOf(state: string): Promise<string> {
  const { readUpAddress } = await import('#jobs/up-address.ts')
  const up = await readUpAddress(state)
  if (up?.http !== undefined) return up.http
  throw new InputError(
    up === undefined
      ? `no fleet runs on the state folder ${state}: start one with \`millrace up\`, or name another with --url`
      : `the fleet on the state folder ${state} (process ${up.pid}) has no HTTP end`,
    { state },
  )
}
