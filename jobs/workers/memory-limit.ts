import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { FatalError } from '#data/errors.ts'

/** Milliseconds between two looks: what grows by a gigabyte a second is a quarter over its limit when it is seen. */
const LOOK = 250

/** Ways in which V8 ends a process that has no heap left; the last is a shell's word for the first. */
const HEAP_SIGNALS: readonly unknown[] = ['SIGABRT', 'SIGTRAP', 'SIGILL', 134]

/** Watches the memory of a process of ours from outside: one that computes without a pause could not tell itself. */
export interface MemoryWatch {
  /** Why the process was ended; undefined while it stays within its limit. */
  readonly verdict: FatalError | undefined
  /** Why a process that ended so may have run out of the heap that it was given. */
  explain(code: number | null, signal: NodeJS.Signals | null): FatalError | undefined
  stop(): void
}

/** Arguments of Node for a process that may take so much. */
export function heapArguments(limitMb: number | undefined): string[] {
  return limitMb === undefined ? [] : [`--max-old-space-size=${Math.floor(limitMb)}`]
}

/**
 * Ends `child` when it has more than `limitMb` megabytes resident: buffers, native libraries and threads included, which
 * the limit of the JavaScript heap does not count.
 */
export function limitMemory(child: ChildProcess, limitMb: number | undefined): MemoryWatch {
  let verdict: FatalError | undefined
  let looking = false
  const out = (words: string) =>
    new FatalError(
      `out of memory: ${words}; allow more (--train-memory-mb), or train on fewer coins, fewer hours or a smaller model`,
      { limitMb },
    )
  const look = async () => {
    if (limitMb === undefined || looking || child.pid === undefined) return
    looking = true
    const bytes = await residentBytes(child.pid)
    looking = false
    if (verdict || bytes === undefined || bytes <= limitMb * 2 ** 20) return
    verdict = out(`the training had ${Math.round(bytes / 2 ** 20)} MB, ${limitMb} MB are allowed`)
    child.kill('SIGKILL')
  }
  const timer = limitMb === undefined ? undefined : setInterval(() => void look(), LOOK)
  timer?.unref()
  return {
    get verdict() {
      return verdict
    },
    explain(code, signal) {
      if (verdict || limitMb === undefined) return verdict
      return HEAP_SIGNALS.includes(signal ?? code)
        ? out(`the JavaScript heap of the training grew to ${limitMb} MB`)
        : undefined
    },
    stop: () => clearInterval(timer),
  }
}

/** Resident memory of a process; undefined where it has ended, or the system does not tell. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  }
  if (process.platform === 'win32') return undefined
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.trim() === '' ? undefined : Number(stdout) * 1024
}
