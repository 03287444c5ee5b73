import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Random } from '#data/random.ts'

export interface SupervisedOptions {
  readonly count: number
  /** Of `jobs/worker.ts`: `--queues`, `--models` and so on. */
  readonly args: readonly string[]
  /** How the broker is reached, and what the fixture modules read. */
  readonly env: Readonly<Record<string, string>>
  /** What the worker's command line begins with, to run it elsewhere: `ip netns exec ...`. */
  readonly wrapper?: readonly string[]
}

/** Worker processes that are started again when they end, as systemd would do. */
export interface SupervisedWorkers {
  /** Kills one of those that are ready, as `kill -9` does. @returns its pid; undefined where none is ready */
  killOne(random: Random): number | undefined
  /** Those that are ready now. */
  ready(): readonly number[]
  /** Resolves when so many are ready; rejects, with its words, when one ends before it was. */
  whenReady(count: number): Promise<void>
  /** Log lines whose message matches. */
  said(pattern: RegExp): number
  /** Of workers that ended without having been killed: none is meant to. */
  readonly deaths: readonly string[]
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('../../../jobs/worker.ts', import.meta.url))

export function superviseWorkers(options: SupervisedOptions): SupervisedWorkers {
  const { count, args, env, wrapper = [] } = options
  const ready = new Set<ChildProcess>()
  const alive = new Set<ChildProcess>()
  const killed = new Set<ChildProcess>()
  const deaths: string[] = []
  const messages: string[] = []
  const waiting = new Set<() => void>()
  let closing = false
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})

  const start = () => {
    const [command, ...rest] = [...wrapper, process.execPath, PROGRAM, ...args]
    // The worker ends by itself when this channel closes, however this process ends.
    const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const words: string[] = []
    alive.add(child)
    createInterface({ input: child.stderr! }).on('line', (line) => {
      words.push(line)
      if (words.length > 3) words.shift()
      messages.push(line)
      if (process.env.LOG) process.stderr.write(`${line.slice(0, 300)}\n`)
    })
    let started = false
    child.once('message', () => {
      started = true
      ready.add(child)
      for (const look of waiting) look()
    })
    child.once('close', (code, signal) => {
      ready.delete(child)
      alive.delete(child)
      if (closing) return
      if (killed.has(child)) return start()
      deaths.push(`${signal ?? code}: ${words.join('\n')}`)
      if (started) start()
      else broken.reject(new Error(`a worker ended at its start: ${deaths.at(-1)}`))
    })
  }
  for (let i = 0; i < count; i++) start()

  return {
    deaths,
    ready: () => [...ready].map(({ pid }) => pid!),
    killOne(random) {
      const candidates = [...ready]
      if (candidates.length === 0) return undefined
      const victim = candidates[Math.floor(random.uniform() * candidates.length)]
      killed.add(victim)
      ready.delete(victim)
      victim.kill('SIGKILL')
      return victim.pid
    },
    whenReady(wanted) {
      const enough = new Promise<void>((resolve) => {
        const look = () => {
          if (ready.size < wanted) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
      return Promise.race([enough, broken.promise])
    },
    said: (pattern) => messages.filter((line) => pattern.test(line)).length,
    async close() {
      closing = true
      await Promise.all(
        [...alive].map(async (child) => {
          const gone = once(child, 'close')
          child.kill('SIGKILL')
          await gone
        }),
      )
    },
  }
}
