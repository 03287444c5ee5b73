import { isDeepStrictEqual } from 'node:util'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { pruningBars } from './median-pruner.ts'
import type { SearchSpace } from './space.ts'
import { checkSpace } from './space.ts'
import { replay, type Study, type StudyDefinition, type StudyEvent, type StudyTrial, type TrialEnd } from './study.ts'
import type { StudyLog } from './study-log.ts'
import { proposeTrial } from './tpe.ts'

/** What an objective is asked. */
export interface TrialRequest {
  readonly number: number
  readonly parameters: StudyTrial['parameters']
  /** For each step what its best so far must not be worse than; see `median-pruner.ts`. */
  readonly bars: readonly (number | null)[]
}

/** What it answers. */
export type TrialAnswer = Omit<TrialEnd, 'event' | 'number' | 'at'>

export interface StudyRun {
  readonly log: StudyLog
  readonly definition: Omit<StudyDefinition, 'space'>
  readonly space: SearchSpace
  /** What the first trial tries, e.g. what is in force: the rest is held against it. */
  readonly first?: StudyTrial['parameters']
  /** Trials of the whole study, those of earlier runs and failed ones included. */
  readonly trials: number
  /** Trials at a time. */
  readonly parallel: number
  /** Steps of a trial that can be pruned at; 0 where a trial has none. */
  readonly steps: number
  readonly objective: (request: TrialRequest, study: Study) => Promise<TrialAnswer>
  /** Identity of a new study. */
  readonly newId: () => string
  readonly now: () => number
  readonly signal?: AbortSignal
  /** Called when a trial has begun or ended. */
  readonly onChange?: (study: Study) => void
}

/**
 * Runs a study until it has `trials` trials, from wherever its log ends: trials that have ended are never run again, those
 * that a crash cut off are, with the parameters that they had.
 *
 * What trial n proposes depends on the seed, n and what had ended by then, and on nothing else; so with one trial at a
 * time an interrupted study becomes the same as one that ran through. What a trial is pruned by is fixed when it
 * begins.
 *
 * @throws {InputError} where the log is of another study
 * @throws what the objective throws; trials that run meanwhile are waited for
 */
export async function runStudy(run: StudyRun): Promise<Study> {
  const { log, definition, space, signal } = run
  checkSpace(space)
  const study = await openStudy(run)
  const trials = [...study.trials]
  const state = (): Study => ({ ...study, trials: [...trials] })
  const random = createRandom(definition.seed).fork('search')
  const cutOff = trials.filter((trial) => trial.state === 'running').map(({ number }) => number)
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined

  const begin = async (): Promise<void> => {
    const again = cutOff.shift()
    const number = again ?? trials.length
    if (again === undefined) {
      const given = number === 0 ? run.first : undefined
      const parameters = given ?? proposeTrial(space, definition.direction, trials, random.fork(`trial ${number}`))
      trials[number] = { number, state: 'running', parameters, curve: [] }
      await log.append({ event: 'started', number, parameters, at: run.now() })
    }
    run.onChange?.(state())
    const { parameters } = trials[number]
    const bars = pruningBars(trials, run.steps)
    const work = finish(number, run.objective({ number, parameters, bars }, state()))
      .catch((error) => {
        failure ??= { error }
      })
      .finally(() => running.delete(work))
    running.add(work)
  }
  const finish = async (number: number, answering: Promise<TrialAnswer>): Promise<void> => {
    const answer = judged(await answering)
    await log.append({ event: 'ended', number, ...answer, at: run.now() })
    trials[number] = { ...trials[number], ...answer }
    run.onChange?.(state())
  }

  try {
    while (!failure && !signal?.aborted) {
      while (running.size < run.parallel && (cutOff.length > 0 || trials.length < run.trials)) await begin()
      if (running.size === 0) break
      await Promise.race(running)
    }
  } catch (error) {
    failure ??= { error }
  }
  await Promise.all(running)
  if (failure) throw failure.error
  signal?.throwIfAborted()
  return state()
}

/** An objective that is no number is no answer. */
function judged(answer: TrialAnswer): TrialAnswer {
  if (answer.state !== 'complete' || Number.isFinite(answer.value)) return answer
  const { value, ...rest } = answer
  return { ...rest, state: 'failed', reason: `the objective is ${value}` }
}

/** The study of the log, begun where there is none. */
async function openStudy({ log, definition, space, newId, now }: StudyRun): Promise<Study> {
  const asked = JSON.parse(JSON.stringify({ ...definition, space })) as StudyDefinition
  const events = [...log.events]
  const add = async (event: StudyEvent) => {
    await log.append(event)
    events.push(event)
  }
  if (events.length === 0) await add({ event: 'study', version: 1, id: newId(), at: now(), ...asked })
  const before = replay(events)
  if (!before) throw new InputError('the log of the search does not begin with what it is about: give another --name')
  const { event: _, version: __, id: ___, at: ____, ...known } = before.header
  const [path, was, is] = firstDifference(known, asked) ?? []
  if (path !== undefined) {
    const words = (value: unknown) => (value === undefined ? 'absent' : JSON.stringify(value))
    throw new InputError(
      `the search was begun with ${path} ${words(was)}, now it is ${words(is)}: give what it was begun with, or another --name`,
      { path, was, is },
    )
  }
  await add({ event: 'opened', at: now() })
  return { ...before, opened: before.opened + 1 }
}

/** Path, and both values, of the first place where two JSON documents differ. */
function firstDifference(a: unknown, b: unknown, path: readonly string[] = []): [string, unknown, unknown] | undefined {
  if (isGroup(a) && isGroup(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = firstDifference(a[key], b[key], [...path, key])
      if (difference) return difference
    }
    return undefined
  }
  return isDeepStrictEqual(a, b) ? undefined : [path.join('.'), a, b]
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
