import { Argument, type Command } from 'commander'
import { UnavailableError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import { SCHEDULES, type ScheduleName } from '#jobs/fleet-queues.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeSchedules } from '../summaries/schedule.ts'

const HELP = `
The schedules of the fleet that runs on this machine's state folder, or on REDIS_URL:
  hourly   the round: regimes of every coin, and what the wheel does
  daily    the retraining
A schedule that is paused takes no tick; what is under way goes on. Rounds that were missed meanwhile are caught up
afterwards (rounds.missed=skip leaves them out).

Examples:
  millrace schedule list
  millrace schedule run-now daily
  millrace schedule pause daily
  millrace schedule resume daily`

/** `schedule`: what the fleet does by itself, and when. */
export function registerSchedule(program: Command): void {
  const group = program.command('schedule').description('list, run-now, pause, resume: what the fleet does by itself')
  group.addHelpText('after', HELP)
  const name = () => new Argument('<schedule>', 'which one').choices(SCHEDULES)

  add(
    group.command('list').description('when each schedule ticks next, and how its last tick ended'),
    async (broker) => {
      const { listSchedules } = await import('#jobs/schedules.ts')
      return { schedules: await listSchedules(broker) }
    },
  )
  add(
    group.command('run-now').description('tick now, besides the times').addArgument(name()),
    async (broker, schedule) => {
      const { listSchedules, runNow } = await import('#jobs/schedules.ts')
      const paused = (await listSchedules(broker)).some((one) => one.schedule === schedule && one.paused)
      if (paused) {
        throw new UnavailableError(
          `${schedule} is paused and takes no tick: \`millrace schedule resume ${schedule}\` first`,
        )
      }
      return { schedule, job: await runNow(broker, schedule, Date.now()) }
    },
  )
  add(group.command('pause').description('take no tick any more').addArgument(name()), async (broker, schedule) => {
    const { pauseSchedule } = await import('#jobs/schedules.ts')
    await pauseSchedule(broker, schedule)
    return { schedule, paused: true }
  })
  add(group.command('resume').description('take ticks again').addArgument(name()), async (broker, schedule) => {
    const { resumeSchedule } = await import('#jobs/schedules.ts')
    await resumeSchedule(broker, schedule)
    return { schedule, paused: false }
  })
}

function add(command: Command, work: (broker: Broker, schedule: ScheduleName) => Promise<object>): void {
  const takesOne = command.registeredArguments.length > 0
  const example = `millrace schedule ${command.name()}${takesOne ? ' daily' : ''}`
  addFlags(command, ['place']).addHelpText('after', `\nExamples:\n  ${example}\n  ${example} --json`)
  command.action(async (...given: unknown[]) => {
    const self = given.at(-1) as Command
    await execute(async ({ configuration, output, context }) => {
      const { openRunningBroker } = await import('#jobs/running-broker.ts')
      const { fleet, state } = configuration.values
      const broker = await openRunningBroker({ ...fleet, stateDirectory: state }, context.logger)
      try {
        await output.result(await work(broker, self.args[0] as ScheduleName), describeSchedules)
      } finally {
        await broker.close()
      }
    })({}, self)
  })
}
