import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeRun } from '../summaries/run.ts'

const HELP = `
Fetches the data, trains a neural CDE and an HMM, compares them with a hand rule and a linear model, exports both to
ONNX, lets the worker fleet infer the test period, turns the wheel over it, and writes a report.

Examples:
  millrace run
  millrace run --source csv --data ../data --coins BTC,ETH
  millrace run --source csv --data ../data --from 2024-09-05 --test-from 2025-04-01 --json > run.json
  millrace run --source simulated --seed 7 --set training.cde.epochs=5
  REDIS_URL=redis://localhost:6379 millrace run --workers 4`

/** `run`: all of it. */
export function registerRun(program: Command): void {
  registerPipelineCommand(program, {
    name: 'run',
    description: 'everything: fetch, train, evaluate, serve, turn the wheel, report',
    flags: ['data', 'training', 'fleet', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/run.ts')).runPipeline,
    describe: describeRun,
  })
}
