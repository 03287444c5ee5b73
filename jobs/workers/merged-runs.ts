import { concatenateWindows, type Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '#models/regime.ts'

/** Windows from which a run gains nothing by being merged with others. */
const ENOUGH = 256
/**
 * How long others are waited for, milliseconds: less than a job takes on its way through any broker. Answers of Redis come
 * many at a time, those of PostgreSQL one by one, and then a run for each costs a worker half its time.
 */
const GATHER = 1

interface Asked {
  readonly windows: Windows
  resolve(probabilities: Float32Array): void
  reject(error: unknown): void
}

/**
 * A model that puts the windows of all who ask within a millisecond through `model` at once: jobs that a worker has at the
 * same time share one run, which takes hardly longer than that of one window.
 *
 * What a window is told does not depend on the company it comes in: the runtime multiplies a single row by another
 * routine than several, with other last digits, so a lone window goes in twice. A run that fails is repeated for each
 * who asked, so that nobody bears another's fault.
 */
export function mergeRuns(model: RegimeModel): RegimeModel {
  let waiting: Asked[] = []
  let count = 0
  let timer: NodeJS.Timeout | undefined

  const alone = (windows: Windows): Promise<Float32Array> => {
    if (windows.count !== 1) return model.estimate(windows)
    return model.estimate(concatenateWindows([windows, windows])).then((both) => both.slice(0, REGIMES.length))
  }
  const run = async (asked: readonly Asked[]): Promise<void> => {
    if (asked.length > 1) {
      const all = await model.estimate(concatenateWindows(asked.map(({ windows }) => windows))).catch(() => undefined)
      if (all) {
        let offset = 0
        for (const { windows, resolve } of asked) {
          resolve(all.slice(offset, offset + windows.count * REGIMES.length))
          offset += windows.count * REGIMES.length
        }
        return
      }
    }
    for (const { windows, resolve, reject } of asked) await alone(windows).then(resolve, reject)
  }
  const runAll = () => {
    clearTimeout(timer)
    const asked = waiting
    waiting = []
    count = 0
    for (const group of groups(asked)) void run(group)
  }

  return {
    name: model.name,
    knots: model.knots,
    channels: model.channels,
    estimate(windows) {
      if (windows.count === 0 || windows.count >= ENOUGH) return model.estimate(windows)
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>()
      waiting.push({ windows, resolve, reject })
      count += windows.count
      if (waiting.length === 1) timer = setTimeout(runAll, GATHER)
      if (count >= ENOUGH) runAll()
      return promise
    },
  }
}

/** Those whose windows can be put beside each other. */
function groups(asked: readonly Asked[]): Asked[][] {
  const byShape = new Map<string, Asked[]>()
  for (const one of asked) {
    const shape = `${one.windows.knots} ${one.windows.channels.join(' ')}`
    const group = byShape.get(shape)
    if (group) group.push(one)
    else byShape.set(shape, [one])
  }
  return [...byShape.values()]
}
