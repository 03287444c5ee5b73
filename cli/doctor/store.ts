import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

/** What a run needs at most: checkpoints, reports, the embedded broker's files. */
const NEEDED = 300e6
const COMFORTABLE = 1e9

/** Bytes of a file, or of all files below a folder. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path)
  if (!found.isDirectory()) return found.size
  const names = await readdir(path)
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name)).catch(() => 0)))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** Whether the state folder can be written to, what room there is, and what lies in it. */
export function storeProbe({ state }: InForce): Probe {
  return {
    name: 'store',
    async look() {
      const trial = join(state, `.doctor-${process.pid}`)
      try {
        await mkdir(state, { recursive: true })
        await writeFile(trial, 'x')
      } catch (error) {
        const text = `${state} cannot be written to: ${(error as Error).message}`
        return { finding: 'problem', text, advice: 'choose another folder with --state' }
      } finally {
        await rm(trial, { force: true }).catch(() => {})
      }
      const { bavail, bsize } = await statfs(state)
      const free = bavail * bsize
      const names = (await readdir(state)).sort()
      const content = await Promise.all(names.map(async (name) => ({ name, bytes: await sizeOf(join(state, name)) })))
      const list = content.map(({ name, bytes }) => `${name} ${megabytes(bytes)}`).join(', ')
      return {
        finding: free < NEEDED ? 'problem' : free < COMFORTABLE ? 'note' : 'ok',
        text: `${state} can be written to, ${megabytes(free)} free; ${list === '' ? 'empty' : `in it: ${list}`}`,
        advice: free < COMFORTABLE ? 'free some space, or choose another folder with --state' : undefined,
        details: { state, free, content },
      }
    },
  }
}
