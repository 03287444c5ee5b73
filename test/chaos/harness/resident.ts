import { readdirSync, readFileSync } from 'node:fs'

/** Resident megabytes of a process; undefined where there is none of this number. */
export function residentMegabytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    return undefined
  }
}

/** Processes started by this one that run now, with the command line of each. */
export function childrenOf(pid: number): { readonly pid: number; readonly command: string }[] {
  const children: { pid: number; command: string }[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // The name of the program is in brackets, and may hold anything; the parent is the second field after it.
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1])
      if (parent === pid) {
        children.push({
          pid: Number(name),
          command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '),
        })
      }
    } catch {
      // It has just ended.
    }
  }
  return children
}

/** Why memory cannot be measured here. */
export const NO_PROC = process.platform === 'linux' ? undefined : 'resident memory is read from /proc'

export interface Sample {
  /** Rounds that were over. */
  readonly rounds: number
  readonly megabytes: number
}

/** Median of the samples from one round to another, half-open. */
export function medianBetween(samples: readonly Sample[], from: number, to: number): number {
  const values = samples
    .filter(({ rounds }) => rounds >= from && rounds < to)
    .map(({ megabytes }) => megabytes)
    .sort((a, b) => a - b)
  return values.length === 0 ? Number.NaN : values[values.length >> 1]
}
