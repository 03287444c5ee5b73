import { readFileSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runDirectoryPrefix } from './postgres-server.ts'

/** Not ours to remove, or being removed by a run that started at the same time. */
const LEFT_ALONE: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOTEMPTY', 'EBUSY', 'ESRCH'])

/**
 * Ends servers and removes folders in `parent` that killed runs of this host left behind.
 *
 * A folder's name carries its keeper's process id (`millrace-postgres-<host>-<pid>-<random>`); folders of other hosts,
 * which may share a network folder, and of living keepers are left alone.
 *
 * @returns the folders removed; one that cannot be removed (another user's, or in the hands of another sweep) is left
 */
export async function sweepPostgres(parent: string): Promise<string[]> {
  const ours = new RegExp(`^${runDirectoryPrefix(undefined, 0).slice(0, -2)}(\\d+)-`)
  const removed: string[] = []
  const names: string[] = await readdir(parent).catch(() => [])
  for (const name of names) {
    const pid = Number(ours.exec(name)?.[1])
    if (!pid || isAlive(pid)) continue
    const directory = join(parent, name)
    try {
      await endServer(directory)
      await rm(directory, { recursive: true, force: true })
      removed.push(directory)
    } catch (error) {
      if (!LEFT_ALONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return removed
}

/** Ends the server of `directory`, if `postmaster.pid` names a process that really serves from it. */
export async function endServer(directory: string): Promise<void> {
  const data = join(directory, 'data')
  const pidFile = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(pidFile.split('\n')[0])
  // A process id may have passed on to a stranger: only one that names our folder is touched.
  if (!pid || !readProcessFile(pid, 'cmdline').includes(data)) return
  process.kill(pid, 'SIGQUIT')
  for (let wait = 0; wait < 50 && isAlive(pid); wait++) await new Promise((resolve) => setTimeout(resolve, 100))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  // Where nobody collects orphans (containers), the dead keep their number as zombies: "pid (name) Z ...".
  return !/\) [ZX] /.test(readProcessFile(pid, 'stat'))
}

/** Empty where the process is gone or the system has no `/proc`. */
function readProcessFile(pid: number, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
