import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readChecked, writeChecked } from './checked-file.ts'
import type { Fit, FitData, FitTask } from './fit.ts'

/** Fits on disk, so that an evaluation that is asked for again, or was cut off, goes on where it was. */
export interface FitCache {
  /** The fit of `task`, if it is there and whole. */
  read(task: FitTask): Promise<Fit | undefined>
  write(task: FitTask, fit: Fit): Promise<void>
}

export interface FitCacheOptions {
  /** Directory of the entries, made when the first is written. */
  readonly directory: string
  /** SHA-256 of the bars. */
  readonly dataHash: string
  readonly data: FitData
  /** Told of an entry that is there and cannot be used. */
  readonly onUnusable: (message: string) => void
}

const ROOT = new URL('../../', import.meta.url)
/** Where the code is that a fit goes through, from bars to weights, and what of it cannot change one. */
const CODE = ['data', 'models', 'training']
const BESIDE = /^(models\/onnx|models\/regist|data\/providers|data\/simulation|training\/(report|statistics|search))/

/** SHA-256 over the code that fits: a change of it makes older entries those of another program. */
export async function codeHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of CODE) {
    const names = await readdir(new URL(`${folder}/`, ROOT), { recursive: true })
    const files = names.map((name) => `${folder}/${name.replaceAll('\\', '/')}`).filter((name) => name.endsWith('.ts'))
    for (const file of files.filter((name) => !BESIDE.test(name)).sort()) {
      hash.update(file).update(await readFile(new URL(file, ROOT)))
    }
  }
  return hash.digest('hex')
}

/**
 * Opens the cache of the fits of one data set.
 *
 * An entry is named by the hash of everything that decides what a fit gives: bars, coins, settings, code, fold,
 * contestant and seed. It begins with its own SHA-256; one that does not match is told of and not used.
 */
export async function openFitCache({ directory, dataHash, data, onUnusable }: FitCacheOptions): Promise<FitCache> {
  const { coins, label, options, markets } = data
  const shared = JSON.stringify({
    code: await codeHash(),
    dataHash,
    pool: markets.map(({ bars }) => bars.coin),
    coins,
    label,
    options,
  })
  const pathOf = (task: FitTask) => {
    const { contestant, fold, seed, target, without } = task
    const key = createHash('sha256').update(shared).update(JSON.stringify({ contestant, fold, seed, target, without }))
    return join(directory, `${key.digest('hex').slice(0, 40)}.fit`)
  }
  return {
    async read(task) {
      const path = pathOf(task)
      const damaged = () => onUnusable(`${path} is damaged and not used: its fit is done again`)
      return (await readChecked(path, damaged)) as Fit | undefined
    },
    write: (task, fit) => writeChecked(pathOf(task), fit, 'a finished fit'),
  }
}
