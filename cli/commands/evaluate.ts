import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeEvaluation } from '../summaries/evaluate.ts'

const HELP = `
Lets the champions of the registry answer the test period and compares them with a hand rule and a linear model. No
fleet is started and nothing is trained.

Examples:
  millrace evaluate --source csv --data ../data --test-from 2025-04-01
  millrace evaluate --source simulated --json`

/** `evaluate`: how good the champions are. */
export function registerEvaluate(program: Command): void {
  registerPipelineCommand(program, {
    name: 'evaluate',
    description: 'compare the champions with a hand rule and a linear model',
    flags: ['data', 'versions', 'training', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/evaluate.ts')).evaluateCommand,
    describe: describeEvaluation,
  })
}
