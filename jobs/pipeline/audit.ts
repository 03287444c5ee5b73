import { isDeepStrictEqual } from 'node:util'
import { type Bars, barsKnownAt, ceilToHour, HOUR, lowerBound } from '#data/bars.ts'
import { computeFeatures } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { windowRows } from '#data/windows.ts'
import type { RegimeModel } from '#models/regime.ts'
import type { Story } from '#src/decision.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import type { LedgerStore } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { runWheel } from '#src/wheel.ts'
import type { Market } from '#training/dataset.ts'
import { predict } from '#training/evaluate-models.ts'
import { evaluatedMarkets, type PreparedDataset } from '#training/prepare.ts'
import { datasetRequest, loadDataset } from './dataset.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { chosenVersions, withVersions } from './versions.ts'
import { testHours } from './wheel.ts'

/** What was compared, and how often the withheld future changed it. */
export interface AuditCheck {
  readonly what: string
  readonly compared: number
  readonly different: number
  /** The first difference: coin and moment. */
  readonly first?: { readonly coin: string; readonly asOf: string }
}

/** What `audit causality` answers. */
export interface AuditSummary {
  readonly source: string
  readonly coins: readonly string[]
  /** Moments at which the future was withheld. */
  readonly cuts: number
  readonly checks: readonly AuditCheck[]
  /** True when nothing differed. */
  readonly causal: boolean
}

/** Moments at which features and estimates are computed without the future. */
const CUTS = 12
/** Of these, how many the wheel is turned again for. */
const WHEEL_CUTS = 3
/** Windows before a cut whose estimates are compared. */
const WINDOWS = 24

/**
 * The `audit causality` command: computes features, estimates of the champions and decisions of the wheel once from all
 * bars and once from those known at random moments, on the user's own data. Whatever was known then must be the same to
 * the last bit (design section 3).
 */
export async function auditCommand(settings: RunSettings, context: RunContext): Promise<AuditSummary> {
  const source = await resolveSource(settings.source, context)
  const dataset = await loadDataset(datasetRequest(settings, source, context.now()), context)
  const ids = await chosenVersions(settings, context)
  const cuts = randomCuts(dataset, settings.seed)
  const report = (done: number, note: string) => context.progress({ stage: 'audit', done, total: 3, note })
  const checks = await withVersions(settings.paths.models, ids, async (models) => {
    report(0, 'features')
    const features = auditFeatures(dataset, cuts)
    report(1, 'estimates')
    const estimates: AuditCheck[] = []
    for (const model of models) estimates.push(await auditEstimates(dataset, model, cuts))
    report(2, 'decisions')
    const decisions = models.length > 0 ? [await auditDecisions(settings, dataset, models[0])] : []
    report(3, 'done')
    return [features, ...estimates, ...decisions]
  })
  const causal = checks.every((check) => check.different === 0)
  return { source: source.spec.source, coins: dataset.coins, cuts: cuts.length, checks, causal }
}

/** Full hours in the later four fifths of the range. */
function randomCuts({ range }: PreparedDataset, seed: number): number[] {
  const random = createRandom(seed).fork('audit')
  const hours = Math.floor((range.to - range.from) / HOUR)
  const early = Math.floor(hours / 5)
  const cuts = Array.from(
    { length: CUTS },
    () => ceilToHour(range.from) + (early + random.integer(hours - early)) * HOUR,
  )
  return cuts.sort((a, b) => a - b)
}

/** Counts comparisons and remembers the first difference. */
function createTally(what: string) {
  let compared = 0
  let different = 0
  let first: AuditCheck['first']
  return {
    compare(same: boolean, coin: string, asOf: number) {
      compared++
      if (same) return
      different++
      first ??= { coin, asOf: new Date(asOf).toISOString() }
    },
    result: (): AuditCheck => ({ what, compared, different, ...(first && { first }) }),
  }
}

/** A market as it was known at `time`. */
function knownAt({ bars }: Market, time: number): { bars: Bars; features: ReturnType<typeof computeFeatures> } {
  const known = barsKnownAt(bars, time)
  return { bars: known, features: computeFeatures(known) }
}

/** Compares every row of features that was known at a cut. */
export function auditFeatures(dataset: PreparedDataset, cuts: readonly number[]): AuditCheck {
  const tally = createTally('features')
  for (const market of evaluatedMarkets(dataset)) {
    const width = market.features.channels.length
    for (const cut of cuts) {
      const { features } = knownAt(market, cut)
      for (let row = 0; row < features.asOf.length; row++) {
        const then = features.values.subarray(row * width, (row + 1) * width)
        const now = market.features.values.subarray(row * width, (row + 1) * width)
        tally.compare(
          then.every((value, c) => Object.is(value, now[c])),
          market.bars.coin,
          features.asOf[row],
        )
      }
    }
  }
  return tally.result()
}

async function auditEstimates(
  dataset: PreparedDataset,
  model: RegimeModel,
  cuts: readonly number[],
): Promise<AuditCheck> {
  const tally = createTally(`estimates of the ${model.name.toUpperCase()}`)
  for (const market of evaluatedMarkets(dataset)) {
    for (const cut of cuts) {
      const { features } = knownAt(market, cut)
      const rows = Array.from(windowRows(features, model.knots)).slice(-WINDOWS)
      const then = await predict(
        model,
        rows.map((row) => ({ table: features, row })),
      )
      const now = await predict(
        model,
        rows.map((row) => ({ table: market.features, row })),
      )
      rows.forEach((row, n) => {
        const same = [0, 1, 2].every((k) => Object.is(then[n * 3 + k], now[n * 3 + k]))
        tally.compare(same, market.bars.coin, features.asOf[row])
      })
    }
  }
  return tally.result()
}

/** Turns the wheel over the test period with and without the future; what was decided before the cut must stay. */
async function auditDecisions(
  settings: RunSettings,
  dataset: PreparedDataset,
  model: RegimeModel,
): Promise<AuditCheck> {
  const tally = createTally('decisions of the wheel')
  const markets = evaluatedMarkets(dataset)
  const range = testHours(dataset)
  const estimates = new Map<string, EstimateSeries>()
  for (const { features } of markets) {
    const rows = Array.from(windowRows(features, model.knots)).filter((row) => features.asOf[row] >= range.from)
    const probabilities = await predict(
      model,
      rows.map((row) => ({ table: features, row })),
    )
    estimates.set(features.coin, { asOf: Float64Array.from(rows, (row) => features.asOf[row]), probabilities })
  }
  const turn = async (until: number) => {
    const known = new Map<string, EstimateSeries>()
    for (const [coin, { asOf, probabilities }] of estimates) {
      const end = lowerBound(asOf, until + 1)
      known.set(coin, { asOf: asOf.subarray(0, end), probabilities: probabilities.subarray(0, end * 3) })
    }
    const bars = markets.map((market) => barsKnownAt(market.bars, until))
    const { instruments } = dataset
    const store = createMemoryLedger()
    await runWheel({ bars, estimates: known, range, options: settings.wheel, instruments, store, keepStories: true })
    return store
  }
  const whole = await turn(range.to)
  const random = createRandom(settings.seed).fork('audit wheel')
  const hours = (range.to - range.from) / HOUR
  for (let i = 0; i < WHEEL_CUTS; i++) {
    const cut = range.from + Math.floor(hours / 3 + (random.uniform() * hours) / 3) * HOUR
    const then = await turn(cut)
    for (let asOf = range.from; asOf <= cut; asOf += HOUR) {
      const told = storiesAt(then, asOf)
      const now = storiesAt(whole, asOf)
      for (let n = 0; n < Math.max(told.length, now.length); n++) {
        tally.compare(isDeepStrictEqual(told[n], now[n]), (now[n] ?? told[n]).coin, asOf)
      }
    }
  }
  return tally.result()
}

function storiesAt(store: LedgerStore, asOf: number): Story[] {
  return JSON.parse(store.stories(asOf)?.json ?? '[]') as Story[]
}
