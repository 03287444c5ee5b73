import { type Command, InvalidArgumentError, Option } from 'commander'
import { EXPORT_FORMATS, type ExportFormat } from '#jobs/trading/ledger-formats.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeExport, describeLedger } from '../summaries/ledger.ts'

const SHOW_HELP = `
What is held, what there is in cash, what each coin has brought, and the newest events. With --json every amount is also
there in whole micro-dollars.

Examples:
  millrace ledger show --last 20
  millrace ledger show --ledger var/backtests/spring/ledger.sqlite --json`

const EXPORT_HELP = `
One table a kind of event (fills, funding, intents, orders, marks, hours, rounds, others) and one of closed trades, as
<table>.csv, <table>.parquet or both. Columns that end in _micro are whole micro-dollars; an order's rows share its cloid.

Examples:
  millrace ledger export --out tables
  millrace ledger export --out tables --format both --ledger var/backtests/spring/ledger.sqlite`

const LEDGER = [
  '--ledger <file>',
  'ledger to read; default: that of paper trading, else of the newest backtest',
] as const

interface Options {
  readonly ledger?: string
  readonly last: number
  readonly out: string
  readonly format: ExportFormat
}

/** `ledger show` and `ledger export`. */
export function registerLedger(program: Command): void {
  const ledger = program.command('ledger').description('show a ledger, or write it as tables')
  const show = ledger
    .command('show')
    .description('show positions, balances and the newest events')
    .option(...LEDGER)
    .option('--last <count>', 'newest events to show', wholeNumber, 10)
  addFlags(show, ['place']).addHelpText('after', SHOW_HELP)
  show.action(async (options: Options, self: Command) => {
    await execute(async ({ configuration, output }) => {
      const { showLedger } = await import('#jobs/trading/ledger.ts')
      await output.result(await showLedger({ ...options, state: configuration.values.state }), describeLedger)
    })(options, self)
  })

  const written = ledger
    .command('export')
    .description('write a ledger as tables in CSV or Parquet')
    .requiredOption('--out <folder>', 'folder of the tables; files in it are replaced')
    .addOption(new Option('--format <name>', 'format of the tables').choices(EXPORT_FORMATS).default('csv'))
    .option(...LEDGER)
  addFlags(written, ['place']).addHelpText('after', EXPORT_HELP)
  written.action(async (options: Options, self: Command) => {
    await execute(async ({ configuration, output }) => {
      const { exportLedger } = await import('#jobs/trading/ledger.ts')
      await output.result(await exportLedger({ ...options, state: configuration.values.state }), describeExport)
    })(options, self)
  })
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
