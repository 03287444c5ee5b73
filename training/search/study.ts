import { z } from 'zod'
import type { Direction, Trial } from './trial.ts'

const value = z.union([z.number(), z.string(), z.boolean()])
/** JSON has no NaN: what could not be measured is null. */
const measured = z.union([z.number(), z.null().transform(() => Number.NaN)])

/** What a search is about; two searches with the same one and the same answers are the same. */
export const StudyDefinition = z.strictObject({
  /** What is searched: `model` or `wheel`. */
  kind: z.string(),
  direction: z.enum(['minimise', 'maximise']),
  seed: z.int(),
  /** The search space, as JSON. */
  space: z.record(z.string(), z.json()),
  /** Everything else that decides what a trial answers (data, settings that are held), as JSON. */
  setting: z.record(z.string(), z.json()),
})
export type StudyDefinition = z.infer<typeof StudyDefinition>

/** Lines of a study's log. Times are UTC milliseconds. */
export const StudyEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('study'),
    version: z.literal(1),
    id: z.string(),
    at: z.number(),
    ...StudyDefinition.shape,
  }),
  z.strictObject({ event: z.literal('opened'), at: z.number() }),
  z.strictObject({
    event: z.literal('started'),
    number: z.int().min(0),
    parameters: z.record(z.string(), value),
    at: z.number(),
  }),
  z.strictObject({
    event: z.literal('ended'),
    number: z.int().min(0),
    state: z.enum(['complete', 'pruned', 'failed']),
    value: z.number().optional(),
    curve: z.array(measured),
    /** Why it failed or was pruned. */
    reason: z.string().optional(),
    /** Returns of equal periods, where the objective is a Sharpe ratio. */
    returns: z.array(measured).optional(),
    /** Other figures worth keeping. */
    figures: z.record(z.string(), measured).optional(),
    seconds: z.number(),
    at: z.number(),
  }),
])
export type StudyEvent = z.infer<typeof StudyEvent>
export type StudyHeader = Extract<StudyEvent, { event: 'study' }>
export type TrialEnd = Extract<StudyEvent, { event: 'ended' }>

/** A trial with what is told of it beyond what the sampler needs. */
export interface StudyTrial extends Trial {
  readonly reason?: string
  readonly returns?: readonly number[]
  readonly figures?: Readonly<Record<string, number>>
  readonly seconds?: number
}

/** A study as its log tells it. */
export interface Study {
  readonly header: StudyHeader
  readonly direction: Direction
  /** By number, without gaps; those that had not ended when the log ends are `running`. */
  readonly trials: readonly StudyTrial[]
  /** How often the study was opened. */
  readonly opened: number
}

/** The study after `events`; undefined where there is not even a header. */
export function replay(events: readonly StudyEvent[]): Study | undefined {
  const [header, ...rest] = events
  if (header?.event !== 'study') return undefined
  const trials: StudyTrial[] = []
  let opened = 0
  for (const event of rest) {
    if (event.event === 'opened') opened++
    if (event.event === 'started') {
      const { number, parameters } = event
      trials[number] = { number, state: 'running', parameters, curve: [] }
    }
    if (event.event === 'ended') {
      const { event: _, at: __, ...end } = event
      trials[event.number] = { ...trials[event.number], ...end }
    }
  }
  return { header, direction: header.direction, trials, opened }
}
