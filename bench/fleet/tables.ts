import type { Broker } from '#jobs/broker.ts'
import type { RoundRecord } from '#jobs/records.ts'
import { openRegistry } from '#models/registry.ts'
import { openServing } from '#models/serving.ts'
import { compareWith, type Table } from '../suite.ts'
import { estimateHere } from './here.ts'
import { count, median, promise, quantile } from './promise.ts'
import { type Crew, type Cut, inferTables, normalTables, openEmptyQueue, openInference } from './rates.ts'

const COINS = 200
/** The smallest job there is: one window. What is left between it and an empty job is millrace's own. */
const SINGLE: Cut = { rowsPerJob: 1, batchCoins: 1 }
/** As a long stretch is cut for a fleet. */
const BATCHED: Cut = { rowsPerJob: 512, batchCoins: 32 }
const LEAST_SHARE = 0.6
const LEAST_WINDOWS = 5_000
/** Alternations of empty jobs and inference: the machine's mood changes, and their ratio shall not change with it. */
const TURNS = 5

/**
 * Empty jobs and inference jobs of the same number, on the same broker, by as many workers with as many jobs at a time,
 * in turn; and windows by the batch, beside the same windows estimated in this process without a queue.
 *
 * @param jobs how many a turn, a multiple of the 200 coins
 */
export async function rateTables(broker: Broker, crew: Crew, models: string, jobs: number): Promise<Table[]> {
  const rows = Math.ceil(jobs / COINS)
  const tables = normalTables(COINS, rows)
  const empty = await openEmptyQueue(broker, crew)
  const fleet = await openInference(broker, crew, models)
  const serving = await openServing(openRegistry(models), { now: Date.now(), threads: 1 })
  const seconds: Record<'empty' | 'single' | 'batched' | 'here', number[]> = {
    empty: [],
    single: [],
    batched: [],
    here: [],
  }
  const shares: number[] = []
  try {
    await empty.run(COINS)
    await inferTables(broker, tables, 1, SINGLE)
    for (let turn = 0; turn < TURNS; turn++) {
      const bare = await empty.run(rows * COINS)
      const single = (await inferTables(broker, tables, rows, SINGLE)).seconds
      seconds.empty.push(bare)
      seconds.single.push(single)
      shares.push(bare / single)
      seconds.batched.push((await inferTables(broker, tables, rows, BATCHED)).seconds)
      seconds.here.push(await estimateHere(serving.model!, tables, rows, 32))
    }
  } finally {
    await fleet.close()
    await empty.close()
    await serving.close()
  }
  const total = rows * COINS
  const micro = (values: readonly number[]) => ({ median: (1e6 * median(values)) / total })
  const who = `${crew.workers} workers, ${crew.concurrency} jobs at a time each, ${count(total)} jobs a turn, ${TURNS} turns`
  const share = median(shares)
  const rate = (values: readonly number[]) => count(total / median(values))
  const windows = total / median(seconds.batched)
  return [
    {
      title: `jobs on ${broker.name}: ${who}`,
      unit: 'microseconds a job',
      rows: compareWith('empty jobs, BullMQ alone', {
        'empty jobs, BullMQ alone': micro(seconds.empty),
        'inference, a window a job': micro(seconds.single),
      }),
      remarks: [
        promise(
          `inference jobs at ${100 * LEAST_SHARE} % or more of the rate of empty ones`,
          `${(100 * share).toFixed(0)} % (${rate(seconds.single)} of ${rate(seconds.empty)} jobs a second; the median of ${TURNS} turns)`,
          share >= LEAST_SHARE,
        ),
      ],
    },
    {
      title: `windows through the queue on ${broker.name}, in jobs of 512 windows`,
      unit: 'microseconds a window',
      rows: compareWith('this process, no queue', {
        'this process, no queue': micro(seconds.here),
        'the fleet': micro(seconds.batched),
      }),
      remarks: [promise(`${count(LEAST_WINDOWS)} windows a second`, count(windows), windows >= LEAST_WINDOWS)],
    },
  ]
}

const ROUND_P50 = 3
const ROUND_P99 = 6
const INFERENCE = 0.1

/** @param played rounds, oldest first; the first few find a cold process, and are told apart */
export function roundTable(broker: string, coins: number, played: readonly RoundRecord[], cold: number): Table {
  const secondsOf = ({ startedAt, endedAt }: RoundRecord) => ((endedAt ?? Number.NaN) - startedAt) / 1000
  const warm = played.slice(cold)
  const whole = warm.map(secondsOf)
  const inference = warm.map(({ inferSeconds }) => inferSeconds)
  const both = (values: readonly number[]) => ({ median: median(values), p99: quantile(values, 0.99) })
  const steps = Object.keys(warm[0].steps)
  const slow = steps
    .map((step) => ({ step, time: median(warm.map((round) => round.steps[step] ?? 0)) }))
    .toSorted((a, b) => b.time - a.time)
    .slice(0, 4)
  const p50 = median(whole)
  const p99 = quantile(whole, 0.99)
  const inferred = quantile(inference, 0.99)
  return {
    title: `hourly round of ${coins} coins on ${broker}, all ten steps, bars in the local store, ${warm.length} rounds`,
    unit: 'seconds',
    rows: compareWith('whole round', { 'whole round': both(whole), 'of it inference': both(inference) }),
    remarks: [
      promise(`p50 at most ${ROUND_P50} s`, `${p50.toFixed(2)} s`, p50 <= ROUND_P50),
      promise(`p99 at most ${ROUND_P99} s`, `${p99.toFixed(2)} s`, p99 <= ROUND_P99),
      promise(
        `inference at most ${1000 * INFERENCE} ms`,
        `p99 ${(1000 * inferred).toFixed(0)} ms`,
        inferred <= INFERENCE,
      ),
      `most of it: ${slow.map(({ step, time }) => `${step} ${time.toFixed(0)} ms`).join(', ')}`,
      `the first round, all of whose processes are cold: ${secondsOf(played[0]).toFixed(2)} s, inference ${(1000 * played[0].inferSeconds).toFixed(0)} ms`,
    ],
  }
}

const LARGEST_PART = 0.6

/** @param parts jobs by worker */
export function splitTable(parts: readonly number[], machines: number): Table {
  const total = parts.reduce((sum, part) => sum + part, 0)
  const named = Array.from({ length: machines }, (_, i) => [`machine ${i + 1}`, { median: parts[i] ?? 0 }] as const)
  const largest = parts[0] / total
  const words = named
    .map(([, { median: part }]) => (100 * part) / total)
    .map((part) => part.toFixed(0))
    .join(':')
  return {
    title: `two workers in two network namespaces, one Redis, ${count(total)} jobs of 32 windows`,
    unit: 'jobs',
    rows: compareWith('machine 1', Object.fromEntries(named)),
    remarks: [promise('the load within 60:40', words, parts.length === machines && largest <= LARGEST_PART)],
  }
}
