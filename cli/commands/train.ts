import type { Command } from 'commander'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { forceOf } from '../force.ts'
import { toRunSettings } from '../settings.ts'
import { describeTraining } from '../summaries/train.ts'

const HELP = `
Trains on the bars before the test period, exports to ONNX, checks the export against the model, keeps both as new
versions in the registry (the challengers), and compares them with a hand rule and a linear model on the test period.
What the verdict ships becomes champion; otherwise the champions stay as they were.

Examples:
  millrace train --source csv --data ../data --test-from 2025-04-01
  millrace train --source simulated --seed 7 --backend wasm
  millrace train --force --reason "a demonstration"
  millrace train --set training.cde.epochs=10 --set training.knots=24`

/** `train`: new challengers, and champions where the verdict ships them. */
export function registerTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train the neural CDE and the HMM, and promote what the verdict ships')
    .option('--force', 'promote whatever the verdict says; needs a reason')
    .option('--reason <text>', 'why it is forced; kept in the log')
  addFlags(command, ['data', 'training', 'fleet', 'place'])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, output, context }) => {
      const force = forceOf(command.opts())
      const { trainCommand } = await import('#jobs/pipeline/train.ts')
      await output.result(await trainCommand(toRunSettings(configuration.values), context, force), describeTraining)
    }),
  )
}
