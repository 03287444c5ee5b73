import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeHalfLives } from '../summaries/half-life.ts'

const HELP = `
Fits an Ornstein-Uhlenbeck process to the latest funding of each coin and ranks the coins by
exp(-half-life / 12 h) x min(|z| / 3, 1): a deviation that is far out and soon over is best. Needs no model and no fleet.

Examples:
  millrace half-life --coins BTC,ETH
  millrace half-life --source csv --data prices --to 2025-05-01
  millrace half-life --set wheel.ouFunding.windowHours=336 --json`

/** `half-life`: how fast the funding of each coin reverts. */
export function registerHalfLife(program: Command): void {
  registerPipelineCommand(program, {
    name: 'half-life',
    description: 'rank the coins by how fast, and from how far, their funding reverts',
    flags: ['data', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/half-life.ts')).halfLifeCommand,
    describe: describeHalfLives,
  })
}
