import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { registerAlerts } from './commands/alerts.ts'
import { registerAudit } from './commands/audit.ts'
import { registerBacktest } from './commands/backtest.ts'
import { registerConfig } from './commands/config.ts'
import { registerDead } from './commands/dead.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerEvaluate } from './commands/evaluate.ts'
import { registerFetch } from './commands/fetch.ts'
import { registerGraduation } from './commands/graduation.ts'
import { registerHalfLife } from './commands/half-life.ts'
import { registerInfer } from './commands/infer.ts'
import { registerIntegrity } from './commands/integrity.ts'
import { registerLedger } from './commands/ledger.ts'
import { registerModels } from './commands/models.ts'
import { registerPaper } from './commands/paper.ts'
import { registerProtections } from './commands/protections.ts'
import { registerRetrainings } from './commands/retrainings.ts'
import { registerRun } from './commands/run.ts'
import { registerSchedule } from './commands/schedule.ts'
import { registerSearch } from './commands/search.ts'
import { registerStatus } from './commands/status.ts'
import { registerTrain } from './commands/train.ts'
import { registerUp } from './commands/up.ts'
import { registerWheel } from './commands/wheel.ts'
import { registerWhy } from './commands/why.ts'
import { registerWorker } from './commands/worker.ts'
import { EXIT } from './failure.ts'

const REGISTER = [
  registerRun,
  registerFetch,
  registerTrain,
  registerEvaluate,
  registerSearch,
  registerInfer,
  registerWheel,
  registerBacktest,
  registerPaper,
  registerWhy,
  registerLedger,
  registerIntegrity,
  registerHalfLife,
  registerProtections,
  registerGraduation,
  registerUp,
  registerSchedule,
  registerRetrainings,
  registerWorker,
  registerAlerts,
  registerStatus,
  registerDead,
  registerModels,
  registerAudit,
  registerDoctor,
  registerConfig,
]

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/** The program with all commands; nothing is parsed or run yet. */
export function createProgram(): Command {
  const program = new Command('millrace')
    .description('Regimes of perpetual futures from a neural CDE and an HMM, and a funding wheel that they steer.')
    .version(version, '-V, --version')
    .configureOutput({
      // A suggestion stands on a line of its own: wrong input is to get one line.
      outputError: (text, write) => write(`${text.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `
Settings come from defaults, a file (millrace.yaml), the environment and flags, the later the stronger:
\`millrace config --help\` explains them, \`millrace config\` shows what is in force.

Start with:  millrace doctor
             millrace run
In a checkout \`millrace\` is \`npm run -s millrace --\`, or from elsewhere \`node <checkout>/cli/millrace.mjs\`.`,
    )
  for (const register of REGISTER) register(program)
  return program
}

/**
 * Parses the arguments and runs the command that they name; the process ends within.
 *
 * Wrong usage gets one line and exit code 2; help and version get 0.
 */
export async function runProgram(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = EXIT.failure
  })
  const program = createProgram()
  try {
    if (argv.length <= 2) {
      const names = program.commands.map((command) => command.name())
      program.error(`error: name a command: ${names.join(', ')} (millrace --help explains them)`)
    }
    await program.parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.input
  }
}
