import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { getuid } from 'node:process'
import { spawnGuarded } from './guarded.ts'

/** A network namespace: a machine of its own, as far as the network goes, joined to this one by a cable. */
export interface Namespace {
  /** Address of this machine's end of the cable. */
  readonly host: string
  /** What a command line begins with to run there. */
  readonly wrapper: readonly string[]
  /** Pulls the cable: packets get lost, and no end is told so. */
  cut(): void
  mend(): void
  /** Attempts to connect that were made in it so far, those that led nowhere included. */
  connects(): Promise<number>
  close(): Promise<void>
}

/** Why no namespace can be made here. */
export const NO_NAMESPACE = tried()

function tried(): string | undefined {
  if (getuid?.() !== 0) return 'network namespaces need root'
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' })
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'no network namespaces here'
  }
}

let made = 0

/** Makes one that is gone when this process is: it has no name, and lasts as long as the process that holds it. */
export async function openNamespace(): Promise<Namespace> {
  const holder = await spawnGuarded('unshare', ['--net', 'sh', '-c', 'echo held; exec sleep infinity'])
  await holder.said(/^held$/)
  const net = `10.231.${process.pid % 250}.${4 * made}`.split('.').map(Number)
  const address = (last: number) => [...net.slice(0, 3), net[3] + last].join('.')
  const [here, there] = [`mr${process.pid}h${made}`, `mr${process.pid}n${made}`]
  made++
  const ip = (...args: string[]) => execFileSync('ip', args)
  const inside = ['nsenter', '--target', String(holder.pid), '--net']
  const ipInside = (...args: string[]) => execFileSync(inside[0], [...inside.slice(1), 'ip', ...args])
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', String(holder.pid))
  ip('address', 'add', `${address(1)}/30`, 'dev', here)
  ip('link', 'set', here, 'up')
  ipInside('address', 'add', `${address(2)}/30`, 'dev', there)
  ipInside('link', 'set', there, 'up')
  ipInside('link', 'set', 'lo', 'up')

  return {
    host: address(1),
    wrapper: inside,
    cut: () => void ip('link', 'set', here, 'down'),
    mend: () => void ip('link', 'set', here, 'up'),
    async connects() {
      const [names, values] = (await readFile(`/proc/${holder.pid}/net/snmp`, 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith('Tcp: '))
        .map((line) => line.split(' '))
      return Number(values[names.indexOf('ActiveOpens')])
    },
    close: () => holder.kill(),
  }
}
