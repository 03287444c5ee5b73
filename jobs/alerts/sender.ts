import { hostname } from 'node:os'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { retryWhileUnavailable } from '#data/retry.ts'
import { sleepFor } from '#data/weight-budget.ts'
import { describeError } from '../failures.ts'
import type { AlertsOptions } from './alerts.ts'
import { alertMessage, type ToldAlert } from './message.ts'
import { type AlertTarget, post } from './targets.ts'
import { openTold, type Told } from './told.ts'

/** Tries of one message at one evaluation, and the time that they may take in all, milliseconds. */
const RETRY = { retries: 3, firstDelay: 500, longestDelay: 4_000, refusedDelay: 2_000 }
const LIMIT = 30_000
/** Messages to one target at one evaluation. */
const MOST = 3

/** What sends to one target: one message at a time. */
export interface Sender {
  readonly told: Told
  /** There may be something to send. */
  wake(): void
  idle(): Promise<void>
  close(): Promise<void>
}

export function createSender(
  target: AlertTarget,
  { records, options, targets, now, logger, ...given }: AlertsOptions,
): Sender {
  const told = openTold(records, target.name)
  const closing = new AbortController()
  const random = createRandom(now())
  const host = hostname()
  let running: Promise<void> | undefined
  /** What went wrong last, which is not said again. */
  let trouble = ''

  const send = async (alerts: readonly ToldAlert[]) => {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LIMIT)])
    const { fetch = globalThis.fetch, sleep = sleepFor } = given
    const message = alertMessage(alerts, host, now())
    await retryWhileUnavailable(() => post(target, message, { fetch, signal }), { ...RETRY, sleep, random, signal })
    told.note(alerts, message.sentAt)
    // Delivered is what everyone was told.
    const everyone = targets.map(({ name }) => openTold(records, name))
    for (const record of records.alerts()) {
      const reached = record.firing && everyone.every((each) => each.knows(record))
      if (reached && alerts.some(({ key }) => key === record.key)) {
        records.putAlert({ ...record, sentAt: message.sentAt })
      }
    }
  }
  const run = async () => {
    try {
      // Evaluations that follow at once are told together.
      await Promise.resolve()
      // While one message was under way there may have been more news; but nobody shall be flooded, whatever is wrong here.
      for (let sent = 0; sent < MOST; sent++) {
        const alerts = told.news(records.alerts(), now(), options.repeatHours * HOUR)
        if (alerts.length === 0) break
        await send(alerts)
        if (trouble !== '') logger.info({ target: target.name }, `alerts reach ${target.name} ${target.host} again`)
        trouble = ''
      }
    } catch (error) {
      if (closing.signal.aborted) return
      const words = describeError(error)
      if (words !== trouble) {
        const line = `alerts do not reach ${target.name}, which is tried again at every evaluation: ${words}`
        logger.warn({ target: target.name, error: words }, line)
      }
      trouble = words
    }
  }
  const wake = () => {
    if (closing.signal.aborted) return
    running ??= run().finally(() => {
      running = undefined
    })
  }
  return {
    told,
    wake,
    idle: async () => running,
    async close() {
      closing.abort(new Error('alerts are closed'))
      await running
    },
  }
}
