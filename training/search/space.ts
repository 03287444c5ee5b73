import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'

/** A value of a parameter as its user sees it. */
export type Value = number | string | boolean

/** Values by parameter; a conditional parameter whose condition does not hold is absent. */
export type Assignment = Readonly<Record<string, Value>>

/** The parameter exists only where another one, declared before it and unconditional, has this value. */
interface Condition {
  readonly when?: { readonly parameter: string; readonly is: Value }
}

/** A real number in `[low, high]`, searched on a logarithmic scale if `log`. */
export interface FloatParameter extends Condition {
  readonly kind: 'float'
  readonly low: number
  readonly high: number
  readonly log?: boolean
}

/** A whole number `low, low + step, ..., high`; `log` goes with steps of 1 only. */
export interface IntegerParameter extends Condition {
  readonly kind: 'integer'
  readonly low: number
  readonly high: number
  readonly step?: number
  readonly log?: boolean
}

/** One of some values without an order. */
export interface CategoricalParameter extends Condition {
  readonly kind: 'categorical'
  readonly choices: readonly Value[]
}

export type Parameter = FloatParameter | IntegerParameter | CategoricalParameter

/** What is searched, by name; the order counts: it is the order in which values are drawn. */
export type SearchSpace = Readonly<Record<string, Parameter>>

/** @throws {InputError} naming the first parameter that cannot be searched */
export function checkSpace(space: SearchSpace): void {
  const fail = (name: string, words: string): never => {
    throw new InputError(`search space: ${name} ${words}`, { parameter: name })
  }
  if (Object.keys(space).length === 0) throw new InputError('search space: there is nothing to search')
  const seen = new Map<string, Parameter>()
  for (const [name, parameter] of Object.entries(space)) {
    if (parameter.kind === 'categorical') {
      if (parameter.choices.length === 0) fail(name, 'has no choices')
    } else {
      const { low, high, log } = parameter
      if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) fail(name, `needs low < high`)
      if (log && !(low > 0)) fail(name, 'has a logarithmic scale and a lower bound that is not positive')
      if (parameter.kind === 'integer') {
        const { step = 1 } = parameter
        if (![low, high, step].every(Number.isInteger) || step < 1)
          fail(name, 'needs whole bounds and a step from 1 on')
        if ((high - low) % step !== 0) fail(name, `cannot reach ${high} from ${low} in steps of ${step}`)
        if (log && step !== 1) fail(name, 'has a logarithmic scale and a step')
      }
    }
    const { when } = parameter
    const parent = when && seen.get(when.parameter)
    if (when && !parent) fail(name, `depends on ${when.parameter}, which is not declared before it`)
    if (parent?.when) fail(name, `depends on ${when?.parameter}, which depends on another: only one level is searched`)
    seen.set(name, parameter)
  }
}

/** Whether the parameter exists beside the values assigned so far. */
export function applies({ when }: Parameter, assigned: Assignment): boolean {
  return when === undefined || assigned[when.parameter] === when.is
}

/** A value as the number that densities are made of: itself, or the index of the choice. */
export function toNumber(parameter: Parameter, value: Value): number {
  return parameter.kind === 'categorical' ? parameter.choices.indexOf(value) : Number(value)
}

/** The inverse of {@link toNumber}. */
export function toValue(parameter: Parameter, number: number): Value {
  return parameter.kind === 'categorical' ? parameter.choices[number] : number
}

/** Distance of two neighbouring values; 0 where there are none (a float). */
export function stepOf(parameter: FloatParameter | IntegerParameter): number {
  return parameter.kind === 'integer' ? (parameter.step ?? 1) : 0
}

/** Bounds on the scale of the search, half a step wider where there are steps, so that the ends get their full share. */
export function scaledBounds(parameter: FloatParameter | IntegerParameter): { low: number; high: number } {
  const half = stepOf(parameter) / 2
  const scale = parameter.log ? Math.log : (x: number) => x
  return { low: scale(parameter.low - half), high: scale(parameter.high + half) }
}

/** A point of the search's scale as a value within the bounds, on a step where there are steps. */
export function fromScale(parameter: FloatParameter | IntegerParameter, point: number): number {
  const { low, high } = parameter
  const step = stepOf(parameter)
  const raw = parameter.log ? Math.exp(point) : point
  const value = step > 0 ? low + Math.round((raw - low) / step) * step : raw
  return Math.min(high, Math.max(low, value))
}

/** A value drawn evenly from the parameter's range, on its scale. */
export function drawEvenly(parameter: Parameter, random: Random): Value {
  if (parameter.kind === 'categorical') return parameter.choices[random.integer(parameter.choices.length)]
  const { low, high } = scaledBounds(parameter)
  return fromScale(parameter, low + (high - low) * random.uniform())
}

/**
 * What `look` says of each parameter, as a proposal.
 *
 * @returns undefined where one of the values lies outside the space
 */
export function assignmentFrom(space: SearchSpace, look: (name: string) => unknown): Assignment | undefined {
  const assigned: Record<string, Value> = {}
  for (const [name, parameter] of Object.entries(space)) {
    if (!applies(parameter, assigned)) continue
    const value = look(name)
    if (!contains(parameter, value)) return undefined
    assigned[name] = value
  }
  return assigned
}

function contains(parameter: Parameter, value: unknown): value is Value {
  if (parameter.kind === 'categorical') return (parameter.choices as readonly unknown[]).includes(value)
  if (typeof value !== 'number' || !(value >= parameter.low && value <= parameter.high)) return false
  return parameter.kind === 'float' || (value - parameter.low) % stepOf(parameter) === 0
}
