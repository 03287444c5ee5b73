import { existsSync } from 'node:fs'
import { Argument, type Command } from 'commander'
import { InputError } from '#data/errors.ts'
import type { RetrainingJob } from '#jobs/retraining/flow.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeCancelled, describeRetrainings, type RetrainingsKnown } from '../summaries/retrainings.ts'

const LIST_HELP = `
Each says what became of the new versions and why. Models of all retrainings: \`millrace models list\`.

Examples:
  millrace retrainings list
  millrace retrainings list --json | jq '.retrainings[0]'`

const CANCEL_HELP = `
Trainings that wait are taken back, those that run are ended. What has been trained goes on to be judged; without any
the retraining fails, and the champions stay.

Examples:
  millrace retrainings cancel daily-2026-11-20
  millrace retrainings cancel daily-2026-11-20 --json`

/** `retrainings list | cancel`: what the daily retraining came to, and an end to one under way. */
export function registerRetrainings(program: Command): void {
  const group = program.command('retrainings').description('what the daily retrainings came to')

  const list = group.command('list').description('list retrainings, newest first')
  addFlags(list, ['place']).addHelpText('after', LIST_HELP)
  list.action(
    execute(async ({ configuration, output }) => {
      await output.result(await knownRetrainings(configuration.values.state), describeRetrainings)
    }),
  )

  const cancel = group.command('cancel').description('end the trainings of one that is under way')
  cancel.addArgument(new Argument('<name>', 'of the list'))
  addFlags(cancel, ['place']).addHelpText('after', CANCEL_HELP)
  cancel.action(async (flow: string, _options: unknown, self: Command) => {
    await execute(async ({ configuration, output, context }) => {
      const { openRunningBroker } = await import('#jobs/running-broker.ts')
      const { cancelRetraining } = await import('#jobs/retraining/lost.ts')
      const { retrainingStepId } = await import('#jobs/retraining/flow.ts')
      const { fleet, state } = configuration.values
      const broker = await openRunningBroker({ ...fleet, stateDirectory: state }, context.logger)
      try {
        const queues = {
          retrain: broker.createQueue<RetrainingJob, unknown>('retrain'),
          train: broker.createQueue<never, unknown>('train'),
        }
        const job = await queues.retrain.getJob(retrainingStepId(flow, 'promote'))
        if (!job) throw new InputError(`there is no retraining ${flow}: see \`millrace retrainings list\``, { flow })
        await output.result({ flow, cancelled: await cancelRetraining(queues, job.data) }, describeCancelled)
      } finally {
        await broker.close()
      }
    })({}, self)
  })
}

const MOST = 100

/** @throws {InputError} where no fleet was run with this state folder */
async function knownRetrainings(state: string): Promise<RetrainingsKnown> {
  const { openRecords, recordsFile } = await import('#jobs/records.ts')
  const path = recordsFile(state)
  if (!existsSync(path)) {
    const words = `there are no records ${path}: \`millrace up\` makes them, --state names another folder`
    throw new InputError(words, { path })
  }
  const records = openRecords(path)
  try {
    return { records: path, retrainings: records.retrainings(MOST) }
  } finally {
    records.close()
  }
}
