import type { Broker } from '#jobs/broker.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { jobOptions } from '#jobs/queues.ts'
import type { RoundRecord } from '#jobs/records.ts'
import { openRegistry } from '#models/registry.ts'
import { openServing } from '#models/serving.ts'
import { compareWith, type Table } from '../suite.ts'
import { KNOTS } from './champion.ts'
import { estimateHere } from './here.ts'
import { count, median, promise, quantile } from './promise.ts'
import { type Crew, type Cut, inferTables, normalTables, openIdleQueue, openInference, rangeOf } from './rates.ts'

const COINS = 200
/** The smallest job there is: one window. What is left between it and an empty job is millrace's own. */
const SINGLE: Cut = { rowsPerJob: 1, batchCoins: 1 }
/** As a long stretch is cut for a fleet. */
const BATCHED: Cut = { rowsPerJob: 512, batchCoins: 32 }
const LEAST_SHARE = 0.6
const LEAST_WINDOWS = 5_000
/** Alternations of empty jobs and inference: the machine's mood changes, and their ratio shall not change with it. */
const TURNS = 5

/** What the answer to a window is like; how long it is, is all that matters. */
const ANSWER = {
  servedBy: { kind: 'cde', id: '20260101T000000000Z-0123456789abcdef' },
  degradations: [],
  worker: '12345@worker',
  estimates: [{ coin: 'C100', asOf: 'AAAAALa9k0E=', probabilities: 'v8sTP1EiGj5ZV4s+' }],
  poisoned: [],
  windows: 1,
  seconds: 0.0012345678901234,
}

/**
 * Empty jobs and inference jobs of the same number, on the same broker, by as many workers with as many jobs at a time,
 * in turn; between them jobs that do nothing and carry what inference carries: the rest is the broker's, not ours. Then
 * windows by the batch, beside the same windows estimated in this process without a queue.
 *
 * @param jobs how many a turn, a multiple of the 200 coins
 */
export async function rateTables(broker: Broker, crew: Crew, models: string, jobs: number): Promise<Table[]> {
  const rows = Math.ceil(jobs / COINS)
  const tables = normalTables(COINS, rows)
  const bare = await openIdleQueue(broker, 'empty', 0, crew)
  const laden = await openIdleQueue(broker, 'laden', ANSWER, crew)
  const fleet = await openInference(broker, crew, models)
  const serving = await openServing(openRegistry(models), { now: Date.now(), threads: 1 })
  const turns: Record<'empty' | 'laden' | 'single' | 'batched' | 'here', number>[] = []
  try {
    for (let turn = -1; turn < TURNS; turn++) {
      // The first turn finds everybody cold.
      const now = turn < 0 ? 1 : rows
      const payloads = cutJobs({ tables, asOf: rangeOf(tables, now), history: KNOTS - 1, ...SINGLE })
      const empty = await bare.run(payloads.map(() => ({ data: {} })))
      const carrying = await laden.run(payloads.map((data) => ({ data, opts: jobOptions('infer', data) })))
      const single = (await inferTables(broker, tables, now, SINGLE)).seconds
      const batched = (await inferTables(broker, tables, now, BATCHED)).seconds
      const here = await estimateHere(serving.model!, tables, now, 32)
      if (turn >= 0) turns.push({ empty, laden: carrying, single, batched, here })
    }
  } finally {
    await Promise.all([fleet.close(), bare.close(), laden.close(), serving.close()])
  }
  const total = rows * COINS
  const middle = (way: keyof (typeof turns)[number]) => median(turns.map((turn) => turn[way]))
  const micro = (way: keyof (typeof turns)[number]) => ({ median: (1e6 * middle(way)) / total })
  const share = median(turns.map(({ empty, single }) => empty / single))
  const own = median(turns.map(({ laden: carrying, single }) => carrying / single))
  const rate = (way: keyof (typeof turns)[number]) => count(total / middle(way))
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`
  const who = `${crew.workers} workers, ${crew.concurrency} jobs at a time each, ${count(total)} jobs a turn, ${TURNS} turns`
  const windows = total / middle('batched')
  return [
    {
      title: `jobs on ${broker.name}: ${who}`,
      unit: 'microseconds a job',
      rows: compareWith('empty jobs, BullMQ alone', {
        'empty jobs, BullMQ alone': micro('empty'),
        'idle jobs with the payload and the answer of inference': micro('laden'),
        'inference, a window a job': micro('single'),
      }),
      remarks: [
        promise(
          `inference jobs at ${percent(LEAST_SHARE)} or more of the rate of empty ones`,
          `${percent(share)} (${rate('single')} of ${rate('empty')} jobs a second), ${percent(own)} of idle ones that carry the same`,
          share >= LEAST_SHARE,
        ),
      ],
    },
    {
      title: `windows through the queue on ${broker.name}, in jobs of 512 windows`,
      unit: 'microseconds a window',
      rows: compareWith('this process, no queue', {
        'this process, no queue': micro('here'),
        'the fleet': micro('batched'),
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

/**
 * @param parts jobs by worker, in the turn in the middle
 * @param turns how many there were
 */
export function splitTable(parts: readonly number[], machines: number, turns: number): Table {
  const total = parts.reduce((sum, part) => sum + part, 0)
  const named = Array.from({ length: machines }, (_, i) => [`machine ${i + 1}`, { median: parts[i] ?? 0 }] as const)
  const largest = parts[0] / total
  const words = named
    .map(([, { median: part }]) => (100 * part) / total)
    .map((part) => part.toFixed(0))
    .join(':')
  return {
    title: `two workers in two network namespaces, one Redis, ${count(total)} jobs of 32 windows a turn, ${turns} turns`,
    unit: 'jobs',
    rows: compareWith('machine 1', Object.fromEntries(named)),
    remarks: [promise('the load within 60:40', words, parts.length === machines && largest <= LARGEST_PART)],
  }
}
