import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeTraining } from '../summaries/train.ts'

const HELP = `
Trains on the bars before the test period, exports to ONNX, checks the export against the model, keeps both as new
versions in the registry and makes them champions.

Examples:
  millrace train --source csv --data ../data --test-from 2025-04-01
  millrace train --source simulated --seed 7 --backend wasm
  millrace train --set training.cde.epochs=10 --set training.knots=24`

/** `train`: new champions. */
export function registerTrain(program: Command): void {
  registerPipelineCommand(program, {
    name: 'train',
    description: 'train the neural CDE and the HMM and promote them',
    flags: ['data', 'training', 'fleet', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/train.ts')).trainCommand,
    describe: describeTraining,
  })
}
