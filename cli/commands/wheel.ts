import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeWheelRun } from '../summaries/wheel.ts'

const HELP = `
Lets the fleet's champion estimate the test period, and the wheel open, hold and close simulated positions on it, with
the exchange's rules, fees, latency and hourly funding.

Examples:
  millrace wheel --source csv --data ../data --test-from 2025-04-01
  millrace wheel --source simulated --set wheel.maxPositions=3 --json`

/** `wheel`: what the strategy would have done. */
export function registerWheel(program: Command): void {
  registerPipelineCommand(program, {
    name: 'wheel',
    description: 'turn the funding wheel over the test period, on paper',
    flags: ['data', 'versions', 'fleet', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/wheel.ts')).wheelCommand,
    describe: describeWheelRun,
  })
}
