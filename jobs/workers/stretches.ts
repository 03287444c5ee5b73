import { FatalError, InputError, MillraceError } from '#data/errors.ts'
import { buildWindows, rowsWithWindow, type WindowEnd, type WindowTable } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '#models/regime.ts'
import { encodeFloat32, encodeFloat64 } from '../encoding.ts'
import { featuresHash } from '../features-hash.ts'
import type { InferItem, InferResult } from '../queues.ts'
import { type Stretch, unpackStretch } from '../stretch.ts'

/** A coin that cannot be estimated, and why. */
export interface Poison {
  readonly coin: string
  readonly error: unknown
}

/** What came of stretches: estimates of all but the poisoned. */
export interface StretchEstimates {
  readonly estimates: InferResult['estimates']
  readonly windows: number
  readonly poison: readonly Poison[]
}

/**
 * Unpacks what is sound of a batch.
 *
 * @throws {InputError} naming coin and field of the first, where nothing is
 */
export function unpackBatch(batch: readonly InferItem[]): { stretches: Stretch[]; poison: Poison[] } {
  const stretches: Stretch[] = []
  const poison: Poison[] = []
  for (const item of batch) {
    try {
      stretches.push(unpackStretch(item))
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      poison.push({ coin: item.coin, error })
    }
  }
  if (stretches.length === 0) throw poison[0].error
  return { stretches, poison }
}

/**
 * Estimates all stretches, at once where that succeeds. Where it does not, those that fail by themselves are told from
 * the others by halving, and the others are estimated without them.
 *
 * @throws what the first attempt threw, where every stretch fails by itself (then it is the model, not the market) and
 *   where the machine or another's service is to blame
 */
export async function estimateStretches(
  model: RegimeModel,
  stretches: readonly Stretch[],
  lineage: boolean,
): Promise<StretchEstimates> {
  let failure: unknown
  try {
    return { ...(await estimateTogether(model, stretches, lineage)), poison: [] }
  } catch (error) {
    if (stretches.length === 1 || !mayBePoison(error)) throw error
    failure = error
  }
  const estimates: InferResult['estimates'][number][] = []
  const poison: Poison[] = []
  let windows = 0
  const isolate = async (part: readonly Stretch[]): Promise<void> => {
    try {
      const answer = await estimateTogether(model, part, lineage)
      estimates.push(...answer.estimates)
      windows += answer.windows
    } catch (error) {
      if (!mayBePoison(error)) throw error
      if (part.length === 1) poison.push({ coin: part[0].table.coin, error })
      else await halve(part)
    }
  }
  const halve = async (part: readonly Stretch[]) => {
    const middle = Math.ceil(part.length / 2)
    await isolate(part.slice(0, middle))
    await isolate(part.slice(middle))
  }
  await halve(stretches)
  if (poison.length === stretches.length) throw failure
  return { estimates, windows, poison }
}

/** Whether the input may be to blame for it: not a machine that cannot go on, nor a service that may answer later. */
function mayBePoison(error: unknown): boolean {
  return !(error instanceof FatalError || (error instanceof MillraceError && error.action === 'retry'))
}

/** All windows of the stretches go through the model at once. */
async function estimateTogether(
  model: RegimeModel,
  stretches: readonly Stretch[],
  lineage: boolean,
): Promise<Omit<StretchEstimates, 'poison'>> {
  const ends: WindowEnd<WindowTable>[] = []
  const reach = model.knots - 1
  const rowsOf = stretches.map(({ table, known, first, omitted }) => {
    if (omitted > 0 && first < reach) {
      throw new InputError(
        `${table.coin} comes with ${first} rows of history, ${model.name} needs ${reach}: ask for more history`,
        { coin: table.coin, history: first, needed: reach },
      )
    }
    const rows = rowsWithWindow(table.asOf, (row) => known[row] === 1, model.knots, first)
    for (const row of rows) ends.push({ table, row })
    return rows
  })

  const windows = buildWindows(ends, model.knots, model.channels)
  const probabilities = ends.length > 0 ? await model.estimate(windows) : new Float32Array(0)
  let offset = 0
  const estimates = stretches.map(({ table, barsHash }, s) => {
    const rows = rowsOf[s]
    const [start, end] = [offset, offset + rows.length]
    offset = end
    return {
      coin: table.coin,
      asOf: encodeFloat64(windows.asOf.subarray(start, end)),
      probabilities: encodeFloat32(probabilities.subarray(start * REGIMES.length, end * REGIMES.length)),
      ...(barsHash && { barsHash }),
      ...(lineage && rows.length > 0 && { featuresHash: featuresHash(table, rows[rows.length - 1], model) }),
    }
  })
  return { estimates, windows: ends.length }
}
