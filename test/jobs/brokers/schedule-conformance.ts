import { expect, it } from 'vitest'
import type { Broker } from '#jobs/broker.ts'
import { eventually } from './ending.ts'

const HOUR = 3_600_000

/** What every broker must do with schedules. */
export function scheduleConformance(of: () => Broker): void {
  it('emits jobs by a schedule, with what its template says, until it is removed', async () => {
    const broker = of()
    const queue = broker.createQueue<{ n: number }, void>('often')
    const taken: { n: number; at: number; due: number }[] = []
    broker.createWorker<{ n: number }, void>('often', async (job) => {
      taken.push({ n: job.data.n, at: Date.now(), due: job.timestamp + (job.opts.delay ?? 0) })
    })
    await queue.upsertJobScheduler('tick', { every: 100 }, { name: 'tick', data: { n: 1 } })
    await eventually(async () => taken.length >= 3)
    await queue.upsertJobScheduler('tick', { every: 50 }, { name: 'tick', data: { n: 2 } })
    await eventually(async () => taken.filter(({ n }) => n === 2).length >= 2)
    expect(await queue.getJobSchedulers()).toMatchObject([{ key: 'tick', name: 'tick', every: 50 }])
    expect(await queue.removeJobScheduler('tick')).toBe(true)
    expect(await queue.removeJobScheduler('tick')).toBe(false)
    expect(await queue.getJobSchedulers()).toEqual([])
    expect(await queue.getJobCounts('delayed', 'waiting')).toEqual({ delayed: 0, waiting: 0 })
    for (const { at, due } of taken) expect(at).toBeGreaterThanOrEqual(due - 1)
  })

  it('knows when a schedule of the clock is due next, and moves it when it is changed', async () => {
    const queue = of().createQueue<object, void>('clock')
    const template = { name: 'tick', data: {}, opts: { attempts: 2 } }
    await queue.upsertJobScheduler('hourly', { pattern: '0 5 * * * *', tz: 'UTC' }, template)
    // Said again at every start of the fleet: one schedule, one job that waits for it.
    await queue.upsertJobScheduler('hourly', { pattern: '0 5 * * * *', tz: 'UTC' }, template)
    const [hourly, ...others] = await queue.getJobSchedulers()
    expect(others).toEqual([])
    expect(hourly).toMatchObject({ key: 'hourly', pattern: '0 5 * * * *', tz: 'UTC' })
    expect(hourly.next! % HOUR).toBe(5 * 60_000)
    expect(hourly.next! - Date.now()).toBeLessThanOrEqual(HOUR)
    const [waiting] = await queue.getDelayed()
    expect(waiting.opts.attempts).toBe(2)
    expect(await queue.getDelayedCount()).toBe(1)

    await queue.upsertJobScheduler('hourly', { pattern: '0 45 3 * * *', tz: 'UTC' }, template)
    const daily = await queue.getJobScheduler('hourly')
    expect(daily!.next! % (24 * HOUR)).toBe(3 * HOUR + 45 * 60_000)
    expect(await queue.getDelayedCount()).toBe(1)
    await queue.removeJobScheduler('hourly')
    expect(await queue.getDelayedCount()).toBe(0)
  })

  it('wakes a worker for a job that is due sooner than the one it waits for', async () => {
    const broker = of()
    const queue = broker.createQueue<object, void>('sooner')
    const taken: string[] = []
    const worker = broker.createWorker<object, void>('sooner', async (job) => void taken.push(job.name))
    await queue.add('far', {}, { delay: HOUR })
    await worker.waitUntilReady()
    await queue.add('near', {}, { delay: 50 })
    await eventually(async () => taken.length > 0)
    expect(taken).toEqual(['near'])
  })
}
