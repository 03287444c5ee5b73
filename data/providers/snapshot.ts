import { readFile } from 'node:fs/promises'
import { HOUR, lowerBound } from '../bars.ts'
import { InputError } from '../errors.ts'
import type { Provider } from '../provider.ts'
import { decodeSnapshot, type Snapshot, snapshotHash } from '../snapshot.ts'
import { checkRange, unknownCoin } from './series.ts'

/** @see createSnapshotProvider */
export interface SnapshotOptions {
  /** The file; whoever was sent a hash alone fetches it first. */
  readonly path: string
  /** SHA-256 of the file. */
  readonly hash: string
  /** Where the bars came from. */
  readonly origin: string
}

/**
 * What another provider served when the snapshot was taken, from its file (`snapshot.ts`): bars come out as they went
 * in. Name and origin are those of that provider, since promotion tells a simulated market from a real one by them.
 * Nothing is read before it is asked for.
 *
 * @throws {InputError} from all methods, where the file is missing, was changed, or holds bars of another origin
 */
export function createSnapshotProvider({ path, hash, origin }: SnapshotOptions): Provider {
  let reading: Promise<Snapshot> | undefined

  const load = async (): Promise<Snapshot> => {
    const file = await readFile(path).catch((error) => {
      throw new InputError(`the snapshot ${path} cannot be read (${error.code ?? error})`, { file: path }, error)
    })
    const found = snapshotHash(file)
    if (found !== hash) throw new InputError(`${path} was changed: its sha256 is ${found}, not ${hash}`, { file: path })
    const decoded = await decodeSnapshot(file, path)
    if (decoded.origin !== origin) {
      throw new InputError(`${path} holds bars of ${decoded.origin}, not of ${origin}`, { file: path })
    }
    return decoded
  }
  const snapshot = () => {
    reading ??= load()
    return reading
  }
  const barsOf = async (coin: string, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    const { bars } = await snapshot()
    const found = bars.find((each) => each.coin === coin)
    if (!found) {
      throw unknownCoin(
        coin,
        origin,
        bars.map((each) => each.coin),
      )
    }
    return found
  }

  return {
    name: /^[a-z]*/.exec(origin)![0] || 'snapshot',
    origin,
    remote: false,
    async universe(signal) {
      signal?.throwIfAborted()
      const { bars, instruments } = await snapshot()
      // Of what is in it, in the order that it was listed in: a coin that was not taken cannot be served.
      const taken = new Set(bars.map(({ coin }) => coin))
      const listed = instruments.filter(({ coin }) => taken.delete(coin))
      return [...listed, ...Array.from(taken, (coin) => ({ coin, live: true }))]
    },
    async candles(coin, range, signal) {
      checkRange(range)
      const { openTime, open, high, low, close, volume, openInterest } = await barsOf(coin, signal)
      const [start, end] = [lowerBound(openTime, range.from), lowerBound(openTime, range.to)]
      const cut = (column: Float64Array) => column.subarray(start, end)
      return {
        coin,
        openTime: cut(openTime),
        open: cut(open),
        high: cut(high),
        low: cut(low),
        close: cut(close),
        volume: cut(volume),
        openInterest: cut(openInterest),
      }
    },
    async funding(coin, range, signal) {
      checkRange(range)
      const { openTime, funding } = await barsOf(coin, signal)
      const [start, end] = [lowerBound(openTime, range.from), lowerBound(openTime, range.to)]
      const settled = Array.from({ length: end - start }, (_, i) => start + i).filter((i) => !Number.isNaN(funding[i]))
      return {
        coin,
        time: Float64Array.from(settled, (i) => openTime[i] + HOUR),
        rate: Float64Array.from(settled, (i) => funding[i]),
      }
    },
    async openInterest(signal) {
      signal?.throwIfAborted()
      const { bars } = await snapshot()
      return bars.flatMap(({ coin, openTime, openInterest }) => {
        const last = openTime.length - 1
        if (last < 0 || Number.isNaN(openInterest[last])) return []
        return [{ coin, time: openTime[last] + HOUR, openInterest: openInterest[last] }]
      })
    },
    takeNotices: () => [],
    close: async () => {},
  }
}
