import type { FleetAnswer } from '#jobs/watch/ask.ts'
import type { FleetStatus, QueueStatus } from '#jobs/watch/status.ts'
import { decimal, layOut, minute } from '../table.ts'

/** How a fleet is, for people. */
export function describeStatus({ url, ready, reasons, degraded, status }: FleetAnswer): string {
  const verdict = !ready ? 'NOT READY' : degraded ? 'ready, but degraded' : 'ready'
  const why = [...reasons, ...(status.round?.degraded ?? [])].map((words) => `  - ${words}`)
  const facts = [
    ['round', roundWords(status)],
    ['rounds', countWords(status)],
    ['serving', servingWords(status)],
    ['data', dataWords(status)],
    ['ledger', ledgerWords(status)],
    ['retraining', retrainingWords(status)],
    ['dead letters', deadWords(status)],
    ['workers', workerWords(status)],
    ...status.schedules.map(({ schedule, pattern, next, paused }) => [
      schedule,
      paused ? `paused (${pattern})` : `${pattern}, next ${next === null ? 'unknown' : time(next)}`,
    ]),
    ['broker', brokerWords(status)],
  ]
  const lines = [`${verdict} at ${time(status.at)} UTC`, ...why, '', layOut(facts)]
  if (status.queues.length > 0) lines.push('', layOut([QUEUE_HEADING, ...status.queues.map(queueRow)]))
  return [...lines, '', `asked: ${url}`].join('\n')
}

const time = (milliseconds: number) => minute(new Date(milliseconds).toISOString())

function roundWords({ round }: FleetStatus): string {
  if (round === null) return 'none has ended yet'
  const { asOf, state, seconds, degraded } = round
  const how = state === 'skipped' ? 'skipped' : `${state} in ${seconds.toFixed(1)} s`
  return `${time(asOf)}: ${how}${degraded.length > 0 ? ', degraded' : ''}`
}

function countWords({ rounds: { done, degraded, failed, skipped, due } }: FleetStatus): string {
  return `${done} done (${degraded} degraded), ${failed} failed, ${skipped} skipped, ${due} due`
}

function servingWords({ serving: { state, model, modelAgeSeconds } }: FleetStatus): string {
  if (state === 'none') return 'nothing: no estimates, nothing is opened'
  const age = modelAgeSeconds === null ? '' : `, ${duration(modelAgeSeconds)} old`
  return `${model}${age}${state === 'fallback' ? ' (fallback)' : ''}`
}

function dataWords({ data: { newest, ageSeconds } }: FleetStatus): string {
  if (newest === null || ageSeconds === null) return 'no bars yet'
  return `newest bar until ${time(newest)}, ${duration(ageSeconds)} old`
}

function ledgerWords({ ledger }: FleetStatus): string {
  if (ledger === null) return 'none yet'
  const { equity, drawdown, events, intact, words } = ledger
  const state =
    intact === null ? 'not checked yet' : intact ? 'intact' : `BROKEN: ${words ?? 'see `millrace integrity`'}`
  // A number that is not known comes as null.
  if (!Number.isFinite(equity)) return state
  return `equity ${decimal(equity, 2)} dollars, ${decimal(drawdown * 100, 1)} % below its peak, ${events} events, ${state}`
}

function retrainingWords({ retraining }: FleetStatus): string {
  if (retraining === null) return 'none yet'
  const { flow, endedAt, ok, words } = retraining
  return `${flow} ${ok ? 'ended well' : 'FAILED'} at ${time(endedAt)}: ${words}`
}

function deadWords({ deadLetters }: FleetStatus): string {
  if (!Number.isFinite(deadLetters)) return 'unknown'
  return deadLetters === 0 ? 'none' : `${deadLetters}: \`millrace dead list\``
}

function workerWords({ workers, lostWorkers }: FleetStatus): string {
  const there = workers.length === 0 ? 'none' : workers.join(', ')
  return lostWorkers.length === 0 ? there : `${there}; LOST: ${lostWorkers.join(', ')}`
}

function brokerWords({ broker: { name, reachable, words } }: FleetStatus): string {
  return reachable ? name : `${name} DOES NOT ANSWER: ${words ?? ''}`
}

const QUEUE_HEADING = ['queue', 'waiting', 'active', 'delayed', 'parents', 'failed', 'oldest (s)', 'workers', '']

function queueRow(queue: QueueStatus): (string | number)[] {
  const { waiting, active, delayed, waitingChildren, failed, oldestSeconds, workers, paused } = queue
  const oldest = oldestSeconds === null ? '' : oldestSeconds.toFixed(1)
  return [queue.queue, waiting, active, delayed, waitingChildren, failed, oldest, workers, paused ? 'paused' : '']
}

/** Seconds in the unit that people would use. */
function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`
}
