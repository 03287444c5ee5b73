import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { isHopeless } from '#training/search/median-pruner.ts'
import { runStudy, type StudyRun, type TrialAnswer, type TrialRequest } from '#training/search/run-study.ts'
import type { SearchSpace } from '#training/search/space.ts'
import type { Study } from '#training/search/study.ts'
import { openStudyLog, readStudyLog } from '#training/search/study-log.ts'
import { bestTrial } from '#training/search/trial.ts'

const SPACE: SearchSpace = {
  x: { kind: 'float', low: -2, high: 2 },
  rate: { kind: 'float', low: 1e-4, high: 1, log: true },
  kind: { kind: 'categorical', choices: ['a', 'b'] },
}
const STEPS = 4

/** A loss that falls in four steps, ended early where it is hopeless; it knows nothing but its request. */
function answer({ parameters, bars }: TrialRequest): TrialAnswer {
  const loss = Number(parameters.x) ** 2 + (Math.log10(Number(parameters.rate)) + 2) ** 2 / 4
  const curve: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    curve.push(loss + 1 / step + (parameters.kind === 'a' ? 0.1 : 0))
    if (isHopeless(curve, bars, 'minimise')) return { state: 'pruned', curve, reason: 'hopeless', seconds: 1 }
  }
  return { state: 'complete', value: curve[STEPS - 1], curve, seconds: 1 }
}

const newFile = () => join(mkdtempSync(join(tmpdir(), 'study-')), 'study.jsonl')

async function search(file: string, options: Partial<StudyRun> = {}): Promise<Study> {
  const log = await openStudyLog(file)
  try {
    return await runStudy({
      log,
      definition: { kind: 'test', direction: 'minimise', seed: 4, setting: { data: 'abc' } },
      space: SPACE,
      trials: 24,
      parallel: 1,
      steps: STEPS,
      objective: async (request) => answer(request),
      newId: () => 'id',
      now: () => 0,
      ...options,
    })
  } finally {
    await log.close()
  }
}

describe('a study', () => {
  it('goes on where it was cut off, at any byte, and ends the same', async () => {
    const whole = newFile()
    const uninterrupted = await search(whole)
    const content = readFileSync(whole)
    expect(uninterrupted.trials.filter(({ state }) => state === 'pruned').length).toBeGreaterThan(2)
    const at = fc.integer({ min: 0, max: content.length })
    await fc.assert(
      fc.asyncProperty(at, async (bytes) => {
        const file = newFile()
        writeFileSync(file, content.subarray(0, bytes))
        const asked: number[] = []
        const resumed = await search(file, {
          objective: async (request) => {
            asked.push(request.number)
            return answer(request)
          },
        })
        expect(resumed.trials).toEqual(uninterrupted.trials)
        const ended = content
          .toString('utf8', 0, bytes)
          .split('\n')
          .slice(0, -1)
          .filter((line) => line.includes('"ended"'))
        expect(asked).toEqual(uninterrupted.trials.slice(ended.length).map(({ number }) => number))
      }),
      { numRuns: 12 },
    )
  })

  it('survives its process being killed, again and again', () => {
    const program = fileURLToPath(new URL('./fixtures/study-program.ts', import.meta.url))
    const run = (file: string, fatal = -1) => spawnSync(process.execPath, [program, file, String(fatal)]).signal
    const [killed, whole] = [newFile(), newFile()]
    for (const fatal of [0, 3, 14]) expect(run(killed, fatal)).toBe('SIGKILL')
    expect(run(killed)).toBeNull()
    expect(run(whole)).toBeNull()
    const told = (file: string) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => !line.includes('"opened"'))
    expect(told(killed)).toEqual(told(whole))
    expect(told(whole).filter((line) => line.includes('"ended"'))).toHaveLength(20)
  })

  it('keeps its trials and adds to them where more are asked for', async () => {
    const file = newFile()
    const { trials: few } = await search(file, { trials: 12 })
    const { trials: many, opened } = await search(file, { trials: 24 })
    expect(many.slice(0, 12)).toEqual(few)
    expect(many).toEqual((await search(newFile())).trials)
    expect(opened).toBe(2)
  })

  it('runs several trials at a time, each once, and finds what is good', async () => {
    const asked: number[] = []
    let most = 0
    let waiting: (() => void)[] = []
    const { trials, direction } = await search(newFile(), {
      trials: 40,
      parallel: 4,
      async objective(request) {
        asked.push(request.number)
        // None ends before four are there.
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
          most = Math.max(most, waiting.length)
          if (waiting.length < 4) return
          for (const go of waiting) go()
          waiting = []
        })
        return answer(request)
      },
    })
    expect(most).toBe(4)
    expect(asked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
    expect(bestTrial(trials, direction)!.value).toBeLessThan(0.6)
  })

  it('tries first what it is given', async () => {
    const first = { x: 1.5, rate: 0.5, kind: 'b' }
    const { trials } = await search(newFile(), { trials: 2, first })
    expect(trials[0].parameters).toEqual(first)
    expect(trials[1].parameters).not.toEqual(first)
  })

  it('passes on what an objective throws, and can be gone on with', async () => {
    const file = newFile()
    const broken = search(file, {
      objective: async (request) => {
        if (request.number === 5) throw new InputError('no such folder')
        return answer(request)
      },
    })
    await expect(broken).rejects.toThrow('no such folder')
    expect((await search(file)).trials).toEqual((await search(newFile())).trials)
  })

  it('takes an objective that is no number for a failure', async () => {
    const { trials } = await search(newFile(), {
      trials: 3,
      objective: async () => ({ state: 'complete', value: Number.NaN, curve: [Number.NaN], seconds: 0 }),
    })
    expect(trials.map(({ state, value }) => ({ state, value }))).toEqual(
      Array.from({ length: 3 }, () => ({ state: 'failed', value: undefined })),
    )
  })

  it('stops when told to and loses nothing', async () => {
    const file = newFile()
    const stop = new AbortController()
    const stopped = search(file, {
      signal: stop.signal,
      objective: async (request) => {
        if (request.number === 7) stop.abort(new Error('stopped'))
        return answer(request)
      },
    })
    await expect(stopped).rejects.toThrow('stopped')
    expect((await readStudyLog(file)).events.filter(({ event }) => event === 'ended')).toHaveLength(8)
  })

  it.each<[string, Partial<StudyRun>, string]>([
    [
      'another seed',
      { definition: { kind: 'test', direction: 'minimise', seed: 5, setting: { data: 'abc' } } },
      'seed 4, now it is 5',
    ],
    [
      'other data',
      { definition: { kind: 'test', direction: 'minimise', seed: 4, setting: { data: 'xyz' } } },
      'setting.data "abc", now it is "xyz"',
    ],
    ['another space', { space: { x: { kind: 'float', low: 0, high: 1 } } }, 'space.x.low -2, now it is 0'],
  ])('is not gone on with for %s', async (_, change, words) => {
    const file = newFile()
    await search(file, { trials: 1 })
    const before = readFileSync(file, 'utf8')
    await expect(search(file, { ...change, trials: 2 })).rejects.toThrow(words)
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})

describe('the log of a study', () => {
  it('cuts off a torn last line and nothing else', async () => {
    const file = newFile()
    await search(file, { trials: 2 })
    const whole = readFileSync(file, 'utf8')
    appendFileSync(file, '{"event":"ended","number":2,"sta')
    const log = await openStudyLog(file)
    await log.close()
    expect(readFileSync(file, 'utf8')).toBe(whole)
  })

  it('names a damaged line and leaves the file as it is', async () => {
    const file = newFile()
    await search(file, { trials: 2 })
    const lines = readFileSync(file, 'utf8').split('\n')
    lines[2] = lines[2].replace('started', 'startled')
    writeFileSync(file, lines.join('\n'))
    await expect(openStudyLog(file)).rejects.toThrow(/line 3 is no event/)
    expect(readFileSync(file, 'utf8')).toBe(lines.join('\n'))
  })

  it('is empty where there is no file, or an empty one', async () => {
    expect(await readStudyLog(newFile())).toEqual({ events: [], bytes: 0 })
    const file = newFile()
    writeFileSync(file, '')
    truncateSync(file)
    expect(await readStudyLog(file)).toEqual({ events: [], bytes: 0 })
  })
})
