import { type Job, WaitingChildrenError } from 'bullmq'
import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import { dataHash } from '#data/data-hash.ts'
import { ModelError } from '#data/errors.ts'
import type { FeatureTable } from '#data/features.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import type { VersionName } from '#models/registry-expiry.ts'
import type { Broker, BrokerQueue } from '../broker.ts'
import { poisonLetters } from '../dead-letters/letter.ts'
import { putLetters } from '../dead-letters/store.ts'
import { decodeFloat32, decodeFloat64 } from '../encoding.ts'
import { fromFailure } from '../failures.ts'
import { idempotencyKey } from '../fleet-queues.ts'
import { fleetJobOptions, type InferJob, type InferResult, inferResultSchema } from '../queues.ts'
import type { EstimateRecord } from '../records.ts'
import { packStretch } from '../stretch.ts'
import type { RoundJob } from './flow.ts'

/** Bars and features of one coin, and the row that is to be estimated. */
export interface EstimateInput {
  readonly bars: Bars
  readonly table: FeatureTable
  /** Newest row known at the hour. */
  readonly row: number
}

/** Rows of history that the longest window of the models that may serve needs, where none of them tells: 8 days. */
const DEFAULT_HISTORY = 192

/**
 * The row of each coin that its regime is read from: that of the hour, or an earlier one that is not older than
 * `staleHours`. Coins without one have no estimate.
 *
 * @returns inputs, and one sentence for each kind of shortage
 */
export function chooseRows(
  coins: readonly { readonly bars: Bars; readonly table: FeatureTable }[],
  asOf: number,
  staleHours: number,
): { readonly inputs: readonly EstimateInput[]; readonly degraded: readonly string[] } {
  const inputs: EstimateInput[] = []
  const late: string[] = []
  const stale: string[] = []
  for (const { bars, table } of coins) {
    const row = lowerBound(table.asOf, asOf + 1) - 1
    const age = row < 0 ? Number.POSITIVE_INFINITY : asOf - table.asOf[row]
    if (age > staleHours * HOUR) stale.push(bars.coin)
    else {
      inputs.push({ bars, table, row })
      if (age > 0) late.push(bars.coin)
    }
  }
  const degraded: string[] = []
  if (late.length > 0)
    degraded.push(`degraded: estimates of ${named(late)} are from an earlier hour: their bars are late`)
  if (stale.length > 0) {
    degraded.push(`degraded: no estimates for ${named(stale)}: nothing newer than ${staleHours} hours is known of them`)
  }
  return { inputs, degraded }
}

/** Some names, and how many more there are. */
export function named(coins: readonly string[]): string {
  const shown = coins.slice(0, 5).join(', ')
  return coins.length > 5 ? `${shown} and ${coins.length - 5} more` : shown
}

/** The batches of a round as jobs of the `infer` queue: nothing is sent along that no window needs. */
export function cutBatches(
  inputs: readonly EstimateInput[],
  round: RoundJob,
  options: { readonly batchCoins: number; readonly history: number; readonly pinned?: readonly VersionName[] },
): InferJob[] {
  const { batchCoins, history, pinned } = options
  const batches: InferJob[] = []
  for (let i = 0; i < inputs.length; i += batchCoins) {
    batches.push({
      round: round.flow,
      flow: round.flow,
      asOf: round.asOf,
      lineage: true,
      batch: inputs.slice(i, i + batchCoins).map(({ bars, table, row }) => ({
        ...packStretch(table, row, row + 1, history),
        barsHash: dataHash([bars]),
      })),
      ...(pinned && { pinned: [...pinned] }),
    })
  }
  return batches
}

/** Rows of history that the windows of whatever may serve need: the longest of the versions' knots. */
export async function historyOf(models: string, pinned?: readonly VersionName[]): Promise<number> {
  const registry = openRegistry(models)
  let knots = 0
  for (const kind of SERVED_KINDS) {
    const id = pinned ? pinned.find((version) => version.kind === kind)?.id : await registry.find(kind, 'champion')
    if (id === undefined) continue
    try {
      knots = Math.max(knots, (await registry.card(kind, id)).knots)
    } catch (error) {
      // Whether it may serve is for the workers to say; what it needs cannot be told.
      if (!(error instanceof ModelError)) throw error
      knots = Math.max(knots, DEFAULT_HISTORY)
    }
  }
  return knots === 0 ? DEFAULT_HISTORY : knots - 1
}

/** Id of a batch of a step: also of one that is replayed, which then asks anew. */
export function batchId(step: string, batch: number): string {
  return idempotencyKey(step, String(batch))
}

/** Adds the batches as children of the step, which then waits for them; added twice they are the same jobs. */
export async function askFleet(
  job: Job<unknown, unknown>,
  token: string,
  queue: BrokerQueue<InferJob, InferResult>,
  batches: readonly InferJob[],
): Promise<void> {
  await queue.addBulk(
    batches.map((data, i) => ({
      name: 'infer',
      data,
      opts: {
        // A step that is replayed is another parent, and asks anew.
        ...fleetJobOptions('infer', batchId(job.id!, i)),
        parent: { id: job.id!, queue: job.queueQualifiedName },
        // A batch that fails for good leaves its coins without estimates, and the round goes on.
        ignoreDependencyOnFailure: true,
      },
    })),
  )
  await job.updateData({ ...(job.data as object), batches: batches.length })
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError()
}

/** What the batches brought, by the ids of their jobs. The step before this one is a child as well, and left out. */
async function answersOf(job: Job<unknown, unknown>): Promise<Map<string, InferResult>> {
  const answers = new Map<string, InferResult>()
  for (const [key, value] of Object.entries(await job.getChildrenValues<unknown>())) {
    const [id] = /[^:]+\.infer\.\d+$/.exec(key) ?? []
    if (id !== undefined) answers.set(id, inferResultSchema.parse(value))
  }
  return answers
}

/** What the fleet answered. */
export interface Gathered {
  readonly estimates: readonly EstimateRecord[]
  /** The model behind most estimates, `kind id`, or `none`. */
  readonly model: string
  readonly degraded: readonly string[]
  readonly windows: number
  readonly inferSeconds: number
  /** Answers that had to leave out a coin, by the ids of their jobs. */
  readonly poisoned: ReadonlyMap<string, InferResult>
}

/** Writes a dead letter for every coin that was left out. */
export async function keepPoison(
  broker: Broker,
  queue: BrokerQueue<InferJob, InferResult>,
  poisoned: Gathered['poisoned'],
  at: number,
): Promise<void> {
  for (const [id, answer] of poisoned) {
    const job = await queue.getJob(id)
    if (job) await putLetters(broker, poisonLetters(answer, { id, data: job.data }, at))
  }
}

/** Gathers what became of the batches. */
export async function gatherAnswers(job: Job<unknown, unknown>, round: RoundJob, asked: number): Promise<Gathered> {
  const answersById = await answersOf(job)
  const answers = [...answersById.values()]
  const failures = Object.values(await job.getIgnoredChildrenFailures())
  const degraded = new Set<string>(answers.flatMap((answer) => answer.degradations))
  for (const reason of failures) degraded.add(`degraded: a batch failed: ${fromFailure(String(reason)).message}`)
  for (const { coin, reason } of answers.flatMap((answer) => answer.poisoned)) {
    degraded.add(`degraded: no estimate for ${coin}: ${fromFailure(reason).message}`)
  }
  const silent = asked - answers.length - failures.length
  if (silent > 0) degraded.add(`degraded: ${silent} of ${asked} batches were not answered in time: are there workers?`)

  const estimates = answers.flatMap((answer) => readEstimates(answer, round))
  const windows = answers.reduce((sum, answer) => sum + answer.windows, 0)
  const inferSeconds = answers.reduce((sum, { seconds }) => sum + seconds, 0)
  const poisoned = new Map([...answersById].filter(([, answer]) => answer.poisoned.length > 0))
  return { estimates, model: mostUsed(answers), degraded: [...degraded], windows, inferSeconds, poisoned }
}

function readEstimates({ estimates, servedBy }: InferResult, { flow, asOf }: RoundJob): EstimateRecord[] {
  return estimates.flatMap(({ coin, asOf: times, probabilities, barsHash, featuresHash }) => {
    const knownAt = decodeFloat64(times, `${coin}: asOf`).at(-1)
    if (knownAt === undefined) return []
    const [chop, trend, reversal] = decodeFloat32(probabilities, `${coin}: probabilities`).subarray(-3)
    if (Number.isNaN(chop)) return []
    const lineage = { barsHash: barsHash ?? '', featuresHash: featuresHash ?? '' }
    return [{ asOf, coin, flow, knownAt, probabilities: [chop, trend, reversal], model: nameOf(servedBy), ...lineage }]
  })
}

function mostUsed(answers: readonly InferResult[]): string {
  const windows = new Map<string, number>()
  for (const { servedBy, windows: count } of answers) {
    const name = nameOf(servedBy)
    windows.set(name, (windows.get(name) ?? 0) + count)
  }
  let best = 'none'
  for (const [name, count] of windows) if (count > (windows.get(best) ?? 0)) best = name
  return best
}

function nameOf({ kind, id }: InferResult['servedBy']): string {
  return id === undefined ? kind : `${kind} ${id}`
}
