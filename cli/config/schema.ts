import { z } from 'zod'
import { AlertOptions } from '#jobs/alerts/options.ts'
import { RetrainingOptions } from '#jobs/retraining/options.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { BacktestOptions, PaperOptions } from '#jobs/trading/options.ts'
import { WatchOptions } from '#jobs/watch/options.ts'
import { StoreOptions } from '#models/store/options.ts'
import { WheelOptions } from '#src/options.ts'
import { TrainingOptions } from '#training/options.ts'
import { SearchOptions } from '#training/search/options.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { parseTimestamp, TIMESTAMP_FORM } from './timestamp.ts'

const timestamp = z
  .string()
  .refine((text) => parseTimestamp(text) !== undefined, { error: `must be ${TIMESTAMP_FORM}` })

const Fleet = z.strictObject({
  redisUrl: z
    .url({ protocol: /^rediss?$/, error: 'must be redis://[user:password@]host:port[/database], or rediss:// for TLS' })
    .optional()
    .describe('Redis of the fleet; without it an embedded PostgreSQL serves'),
  postgresUrl: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host:port/database' })
    .optional()
    .describe('PostgreSQL that runs already, used where there is no Redis'),
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,40}$/, 'must be lower-case letters, digits and "_", at most 41, a letter first')
    .default('millrace')
    .describe('keeps the jobs of several millraces on one server apart'),
  workers: z.int().min(1).max(64).default(2).describe('worker processes that share the inference'),
  concurrency: z.int().min(1).max(64).default(1).describe('inference jobs at a time in each worker'),
  drainSeconds: z.int().min(1).max(55).default(30).describe('what running jobs have to end when a worker is to stop'),
  trainMemoryMb: z
    .int()
    .min(128)
    .optional()
    .describe('megabytes that a training may have; one that takes more is ended. Default: no limit'),
})

const Log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('least level that is written'),
  format: z.enum(['human', 'json']).default('human').describe('readable lines, or one JSON object a line'),
})

const before = (earlier: string | undefined, later: string | undefined) =>
  earlier === undefined || later === undefined || parseTimestamp(earlier)! < parseTimestamp(later)!

/** Everything that can be set, with its default: the one schema of file, environment and flags. */
export const Configuration = z
  .strictObject({
    source: z
      .enum(['auto', 'csv', 'simulated', 'hyperliquid'])
      .default('auto')
      .describe('where data come from; auto is Hyperliquid where it answers, otherwise the simulator'),
    data: z.string().min(1).optional().describe('folder with candles/ and funding/, for the source csv'),
    apiUrl: z.url().optional().describe("address of the exchange's API, if not the public one"),
    fallbackApiUrls: z
      .array(z.url())
      .min(1)
      .optional()
      .describe('addresses of the same API that are asked, in this order, while the first does not serve'),
    coins: z
      .array(z.string().trim().min(1, 'must not be empty'))
      .min(1, 'must name a coin')
      .optional()
      .describe('coins to look at, e.g. BTC,ETH; default: the core eight that the source has'),
    pool: z
      .array(z.string().trim().min(1, 'must not be empty'))
      .min(1, 'must name a coin, or "all"')
      .optional()
      .describe('coins to train on, or all; default: all of a local source, those looked at of a remote one'),
    from: timestamp.optional().describe('first hour; default: all that the source has, for Hyperliquid 30 days'),
    to: timestamp.optional().describe('end of the range, this hour excluded'),
    testFrom: timestamp.optional().describe('first hour of the test period; default: the last 20 % of the range'),
    seed: z.int().default(1).describe('the same seed gives the same numbers'),
    versions: z
      .enum(['champion', 'challenger'])
      .default('champion')
      .describe('versions that answer: the champions, or the challengers (trained and judged last)'),
    maxModelAgeDays: z.number().positive().optional().describe('a model older than so many days does not serve'),
    training: TrainingOptions.prefault({}),
    evaluation: EvaluationOptions.prefault({}),
    wheel: WheelOptions.prefault({}),
    backtest: BacktestOptions.prefault({}),
    paper: PaperOptions.prefault({}),
    search: SearchOptions.prefault({}),
    rounds: RoundOptions.prefault({}),
    retraining: RetrainingOptions.prefault({}),
    watch: WatchOptions.prefault({}),
    alerts: AlertOptions.prefault({}),
    fleet: Fleet.prefault({}),
    store: StoreOptions.prefault({}),
    state: z.string().min(1).default('var').describe('folder for all that running leaves behind'),
    models: z.string().min(1).optional().describe('folder of the model registry; default: models in the state folder'),
    reports: z.string().min(1).optional().describe('folder of the reports; default: reports in the state folder'),
    log: Log.prefault({}),
  })
  .refine(({ from, to }) => before(from, to), { path: ['from'], error: 'must be before "to"' })
  .refine(({ from, testFrom }) => before(from, testFrom), { path: ['testFrom'], error: 'must be after "from"' })
  .refine(({ testFrom, to }) => before(testFrom, to), { path: ['testFrom'], error: 'must be before "to"' })
  .refine(({ source, data }) => source !== 'csv' || data !== undefined, {
    path: ['data'],
    error: 'must name the folder of the files for the source csv: give --data FOLDER',
  })
export type Configuration = z.infer<typeof Configuration>
