import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'

/**
 * Names for what a process leaves on disk while it works (locks, drafts), from which others can tell whether it is
 * still there: process id, its start time where the system tells it (an id is given again, the two together are not),
 * the thread, and the machine.
 */

/** What another machine left is taken for abandoned after this, milliseconds: nothing of ours takes a tenth of it. */
const ABANDONED = 600_000

const OWNER = /^(\d+)\.(\d*)\.\d+-\d+-\d+@(.+)$/

/** The owner of a name. */
export interface Owner {
  readonly pid: number
  readonly host: string
}

const host = encodeURIComponent(hostname())
let ownStart: Promise<string> | undefined
let count = 0

/** A name that nobody else has, and that says whose it is; fit for a file. */
export async function ownerName(): Promise<string> {
  ownStart ??= startOf(process.pid).then((start) => start ?? '')
  const moment = Math.trunc(performance.now() * 1000)
  return `${process.pid}.${await ownStart}.${threadId}-${moment}-${count++}@${host}`
}

/** The owner in a name of {@link ownerName}; undefined for any other text. */
export function parseOwner(name: string): Owner | undefined {
  const match = OWNER.exec(name)
  return match ? { pid: Number(match[1]), host: decodeURIComponent(match[3]) } : undefined
}

/**
 * Whether the owner of `name` has ended, so that what it left is nobody's.
 *
 * @param age milliseconds since the thing was made: all there is to go by when its owner is on another machine
 */
export async function isAbandoned(name: string, age: number): Promise<boolean> {
  const match = OWNER.exec(name)
  if (!match || match[3] !== host) return age > ABANDONED
  const pid = Number(match[1])
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Any other refusal (not ours to signal) comes from a process that is there.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const start = await startOf(pid)
  if (start === 'ended') return true
  return match[2] !== '' && start !== undefined && start !== match[2]
}

/**
 * Start time of a process in clock ticks since boot (Linux, proc_pid_stat(5), field 22); `ended` for one that nobody has
 * buried yet; undefined where the system does not tell.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The name of the program, in parentheses, may hold anything: fields are counted from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
}
