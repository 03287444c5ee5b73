import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeEstimates } from '../summaries/infer.ts'

const HELP = `
Loads the latest bars and lets the worker fleet estimate the regime of each coin at the end of them.

Examples:
  millrace infer --coins BTC,ETH
  REDIS_URL=redis://localhost:6379 millrace infer --json`

/** `infer`: what regime each coin is in. */
export function registerInfer(program: Command): void {
  registerPipelineCommand(program, {
    name: 'infer',
    description: 'ask the fleet for the latest regime of each coin',
    flags: ['data', 'versions', 'fleet', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/infer.ts')).inferCommand,
    describe: describeEstimates,
  })
}
