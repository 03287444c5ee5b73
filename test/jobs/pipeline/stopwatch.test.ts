import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createStopwatch } from '#jobs/pipeline/stopwatch.ts'

it('a stopwatch measures each stage in seconds, also one that fails', async () => {
  const watch = createStopwatch()
  expect(await watch.time('one', () => pause(20, 'done'))).toBe('done')
  const failing = watch.time('two', async () => {
    await pause(20)
    throw new Error('broken')
  })
  await expect(failing).rejects.toThrow('broken')
  for (const stage of ['one', 'two']) {
    expect(watch.seconds()[stage]).toBeGreaterThanOrEqual(0.015)
    expect(watch.seconds()[stage]).toBeLessThan(5)
  }
})
