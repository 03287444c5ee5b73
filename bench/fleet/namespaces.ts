import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { UnavailableError } from '#data/errors.ts'
import { type Tethered, tether } from './tether.ts'

/** Two machines as far as the network goes: a namespace each, with a cable to this one. */
export interface Machines {
  /** Addresses of this machine, as the others reach it. */
  readonly addresses: readonly string[]
  /** Starts a worker on each, as its operator would, and resolves when both take jobs. */
  startWorkers(port: number, namespace: string, models: string, concurrency: number): Promise<void>
  stopWorkers(): Promise<void>
  /** Removes the machines. */
  remove(): void
}

const MILLRACE = fileURLToPath(new URL('../../cli/millrace.ts', import.meta.url))
/** TEST-NET-2 of RFC 5737: no real network has it. */
const NETWORK = '198.51.100'

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })

/**
 * Makes the two machines. Needs Linux, `ip` and the rights of root.
 *
 * @throws {UnavailableError} where namespaces cannot be made, with the system's own words
 */
export function makeMachines(): Machines {
  const machines = [0, 1].map((i) => ({
    name: `millrace${process.pid}-${i}`,
    cable: `mr${process.pid}-${i}`,
    home: `${NETWORK}.${4 * i + 1}`,
    address: `${NETWORK}.${4 * i + 2}`,
  }))
  const remove = () => {
    for (const { name } of machines) {
      try {
        ip('netns', 'delete', name)
      } catch {
        // It was never made, or is gone: either way there is nothing to remove.
      }
    }
  }
  try {
    for (const { name, cable, home, address } of machines) {
      ip('netns', 'add', name)
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      ip('address', 'add', `${home}/30`, 'dev', cable)
      ip('link', 'set', cable, 'up')
      ip('-n', name, 'address', 'add', `${address}/30`, 'dev', 'eth0')
      ip('-n', name, 'link', 'set', 'eth0', 'up')
    }
  } catch (error) {
    remove()
    const words = String((error as { stderr?: Buffer }).stderr ?? (error as Error).message).trim()
    throw new UnavailableError(`network namespaces cannot be made here: ${words}`, {}, error)
  }

  const workers: Tethered[] = []
  return {
    addresses: machines.map(({ home }) => home),
    async startWorkers(port, namespace, models, concurrency) {
      const ready = machines.map(async ({ name, home }) => {
        const command = ['ip', 'netns', 'exec', name, process.execPath, MILLRACE, 'worker', '--models', models]
        const worker = tether([...command, '--concurrency', String(concurrency)], {
          REDIS_URL: `redis://${home}:${port}`,
          MILLRACE_NAMESPACE: namespace,
          MILLRACE_LOG_LEVEL: 'info',
        })
        workers.push(worker)
        await whenServing(worker)
      })
      await Promise.all(ready)
    },
    async stopWorkers() {
      await Promise.all(workers.splice(0).map((worker) => worker.end()))
    },
    remove,
  }
}

/** @throws {UnavailableError} with what the worker said last, where it ends instead */
async function whenServing({ child }: Tethered): Promise<void> {
  let said = ''
  child.stdout?.resume()
  const lines = createInterface({ input: child.stderr! })
  const serving = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      said = line
      if (/serves infer/.test(line)) resolve()
    })
  })
  const ended = once(child, 'exit').then(() => {
    throw new UnavailableError(`a worker in a network namespace ended at its start: ${said}`)
  })
  await Promise.race([serving, ended])
  ended.catch(() => {})
}
