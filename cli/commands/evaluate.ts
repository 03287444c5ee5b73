import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeEvaluation } from '../summaries/evaluate.ts'

const HELP = `
Trains the neural CDE (both vector fields), an HMM, a GRU, a logistic regression and the hand rule walk-forward, with
several seeds, tests each on the block that follows, and says which of CDE and HMM is worth shipping, if any. The
versions of the registry are compared on the last test block besides, where they have not seen it. Nothing is
registered and no fleet is started. Finished fits are kept in the state folder: what was cut off goes on from there.

Examples:
  millrace evaluate --source csv --data ../data --test-from 2025-04-01
  millrace evaluate --source simulated --folds 2 --seeds 1 --json`

/** `evaluate`: how good every kind of model is, walk-forward. */
export function registerEvaluate(program: Command): void {
  registerPipelineCommand(program, {
    name: 'evaluate',
    description: 'train and test every kind of model walk-forward, and judge',
    flags: ['data', 'versions', 'evaluation', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/evaluate.ts')).evaluateCommand,
    describe: describeEvaluation,
  })
}
