import type { Command } from 'commander'
import { readSecrets } from '#jobs/secrets.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { toRunSettings } from '../settings.ts'
import { describeUp } from '../summaries/up.ts'

const HELP = `
Runs a fleet from this machine until it is told to stop: the hourly round (fetch, features, regimes, scanners, wheel,
ledger), the daily retraining, worker processes, health and metrics at http://127.0.0.1:9470, alerts. Without REDIS_URL
an embedded PostgreSQL in the state folder carries the jobs; workers on other machines need Redis and a model store.
A local source is played, an hour every --pace seconds; an exchange has its own clock.

  /healthz /readyz /metrics /status   for whoever reaches the port (the loopback, unless --host says otherwise)
  /queues                             the queues and their jobs, behind MILLRACE_TOKEN

Secrets come from the environment or from files (NAME_FILE): MILLRACE_TOKEN, MILLRACE_ALERT_WEBHOOK_URL,
MILLRACE_ALERT_SLACK_URL, REDIS_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.

Examples:
  millrace up --source simulated --pace 1
  REDIS_URL=redis://10.0.0.5:6379 millrace up --source hyperliquid --store /mnt/millrace/models
  millrace schedule list                 what is due when
  millrace status                        how the fleet is`

/** `up`: the home of a fleet. */
export function registerUp(program: Command): void {
  const command = program.command('up').description('run a fleet from this machine: schedules, workers, health, alerts')
  addFlags(command, ['data', 'versions', 'training', 'fleet', 'rounds', 'place']).addHelpText('after', HELP)
  command.action(
    execute(async ({ configuration, output, context }) => {
      const { rounds, retraining, watch, alerts, store, paper, fleet } = configuration.values
      const { drainSeconds, trainMemoryMb } = fleet
      const secrets = readSecrets(process.env)
      const { up } = await import('#jobs/up/up.ts')
      const own = { rounds, retraining, watch, alerts, store, paper, drainSeconds, trainMemoryMb }
      const settings = { ...toRunSettings(configuration.values), ...own }
      await output.result(await up(settings, context, { secrets, environment: process.env }), describeUp)
    }),
  )
}
