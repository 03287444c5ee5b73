import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import type { Review } from '#src/graduation/review.ts'
import type { GraduationEvent } from '#src/ledger/events.ts'
import type { LedgerState } from '#src/ledger/state.ts'
import { type CommandContext, execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeGraduation, type GraduationAnswer } from '../summaries/graduation.ts'

/** A command on graduation, with what stands behind its name on the command line. */
interface GraduationCommand {
  readonly usage: string
  readonly description: string
  readonly signed: boolean
  readonly help: string
  /** The step that it takes; absent: it only looks. */
  readonly step?: (given: Given) => Promise<GraduationEvent | undefined>
}

interface Given {
  readonly state: LedgerState
  readonly review: Review
  readonly options: Options
}

interface Options {
  readonly ledger?: string
  readonly backtest?: string
  readonly by?: string
  readonly reason?: string
}

const ONE_WRITER = 'A ledger has one writer: stop `millrace paper` first, and start it again afterwards.'

const COMMANDS: readonly GraduationCommand[] = [
  {
    usage: 'status',
    description: 'show where the strategy stands between paper and money, and every gate with its figure',
    signed: false,
    help: `
Changes nothing, and may run beside \`millrace paper\`.

Examples:
  millrace graduation status
  millrace graduation status --backtest var/backtests/spring/ledger.sqlite --json`,
  },
  {
    usage: 'evaluate',
    description: 'hold the ledger against the gates and record the step that they ask for',
    signed: false,
    help: `
All gates together make a strategy on paper eligible. Drawdown, integrity and the trailing Sharpe ratio demote one that is
eligible, approved or live; any other gate that fails takes eligibility back. ${ONE_WRITER}

Examples:
  millrace graduation evaluate --backtest var/backtests/spring/ledger.sqlite`,
    async step({ state, review }) {
      const { nextGraduation } = await import('#src/graduation/graduation.ts')
      return nextGraduation(state, review.gates, state.time)
    },
  },
  {
    usage: 'approve',
    description: 'approve an eligible strategy for trading with money; the ledger keeps who and why',
    signed: true,
    help: `
Only what is eligible, and only while all gates pass. No command trades with money yet. ${ONE_WRITER}

Examples:
  millrace graduation approve --by Ada --reason "read every trade of April"`,
    async step({ state, review, options }) {
      const { approve } = await import('#src/graduation/graduation.ts')
      return approve(state, { ...signatureOf(options), time: state.time }, review.gates)
    },
  },
  {
    usage: 'demote',
    description: 'take back what was granted',
    signed: true,
    help: `
${ONE_WRITER}

Examples:
  millrace graduation demote --by Ada --reason "the exchange changes its fees"`,
    async step({ state, options }) {
      const { demote } = await import('#src/graduation/graduation.ts')
      return demote(state, { ...signatureOf(options), time: state.time })
    },
  },
  {
    usage: 'reset',
    description: 'let a demoted strategy begin anew on paper; what it did before counts for nothing',
    signed: true,
    help: `
${ONE_WRITER}

Examples:
  millrace graduation reset --by Ada --reason "retrained"`,
    async step({ state, options }) {
      const { reset } = await import('#src/graduation/graduation.ts')
      return reset(state, { ...signatureOf(options), time: state.time })
    },
  },
]

/** `graduation status | evaluate | approve | demote | reset`: the steps between paper and money. */
export function registerGraduation(program: Command): void {
  const group = program.command('graduation').description('the steps between paper and money')
  for (const { usage, description, signed, help, step } of COMMANDS) {
    const command = group.command(usage).description(description)
    if (signed) command.option('--by <name>', 'who decides; kept in the ledger')
    if (signed) command.option('--reason <text>', 'why; kept in the ledger')
    command.option('--ledger <file>', 'ledger to look at; default: that of `millrace paper`')
    command.option('--backtest <file>', 'ledger of a backtest over the same days; default: the newest')
    addFlags(command, ['place']).addHelpText('after', help)
    const action = execute(async (context) => {
      await context.output.result(await onLedger(command.opts<Options>(), step, context), describeGraduation)
    })
    command.action(() => action({}, command))
  }
}

/** Reviews the ledger, takes the step, and tells where the strategy stands then. */
async function onLedger(
  options: Options,
  step: GraduationCommand['step'],
  { configuration, context }: CommandContext,
): Promise<GraduationAnswer> {
  const { newestBacktest, paperLedger } = await import('#jobs/trading/ledgers.ts')
  const { NEXT, reviewLedger } = await import('#src/graduation/review.ts')
  const { openSqliteLedger } = await import('#src/ledger/sqlite-ledger.ts')
  const { openJournal } = await import('#src/ledger/journal.ts')
  const { state: folder, wheel } = configuration.values
  const path = options.ledger ?? paperLedger(folder)
  mustExist(path, '`millrace paper` makes one, --ledger names another')
  if (options.backtest !== undefined) mustExist(options.backtest, '`millrace backtest` makes one')
  const backtestPath = options.backtest ?? (await newestBacktest(folder))
  const store = openSqliteLedger(path, { readOnly: step === undefined })
  const backtest = backtestPath === undefined ? undefined : openSqliteLedger(backtestPath, { readOnly: true })
  try {
    const hours = backtest && [...backtest.events()].filter((event) => event.kind === 'hour')
    const review = reviewLedger(store, hours, wheel.graduation, context.signal)
    const journal = openJournal(store)
    const taken = await step?.({ state: journal.state, review, options })
    if (taken !== undefined) journal.record(taken)
    journal.commit()
    const { graduation } = journal.state
    return {
      ledger: path,
      backtest: backtestPath ?? null,
      state: graduation,
      next: NEXT[graduation],
      taken: taken ?? null,
      gates: review.gates,
      steps: taken === undefined ? review.evidence.steps : [...review.evidence.steps, taken],
    }
  } finally {
    backtest?.close()
    store.close()
  }
}

function mustExist(path: string, remedy: string): void {
  if (!existsSync(path)) throw new InputError(`there is no ledger ${path}: ${remedy}`, { path })
}

/** @throws {InputError} where somebody or something is not named: the ledger keeps both. */
function signatureOf({ by, reason }: Options): { readonly by: string; readonly reason: string } {
  if (by === undefined || reason === undefined) {
    throw new InputError(`--${by === undefined ? 'by' : 'reason'} is missing: the ledger keeps who decides and why`)
  }
  return { by, reason }
}
