import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'

/**
 * `node deploy/backup.ts STATE TARGET [KEEP]`: copies the ledger and the records of the state folder, while the fleet
 * works on them, to TARGET/<time>/; each copy is checked. Keeps the newest KEEP folders (14).
 *
 * A file that is copied by other means while it is written to is no backup: SQLite's own copying waits for the writer.
 */
const FILES = ['paper/ledger.sqlite', 'records.sqlite']

const [state, target, keep = '14'] = process.argv.slice(2)
if (!state || !target || !(Number(keep) >= 1)) {
  process.stderr.write('usage: node deploy/backup.ts STATE TARGET [KEEP]\n')
  process.exit(2)
}
const found = FILES.filter((file) => existsSync(join(state, file)))
if (found.length === 0) {
  process.stderr.write(`${state} has none of ${FILES.join(', ')}: is it the state folder?\n`)
  process.exit(2)
}

const name = new Date().toISOString().slice(0, 19).replaceAll(':', '')
const unfinished = join(target, `.${name}`)
mkdirSync(unfinished, { recursive: true, mode: 0o700 })
try {
  for (const file of found) {
    const copy = join(unfinished, file)
    mkdirSync(dirname(copy), { recursive: true })
    const source = new DatabaseSync(join(state, file), { readOnly: true })
    await backup(source, copy)
    source.close()
    check(copy)
  }
  renameSync(unfinished, join(target, name))
} catch (error) {
  rmSync(unfinished, { recursive: true, force: true })
  process.stderr.write(`no backup was made: ${(error as Error).message}\n`)
  process.exit(1)
}
const older = readdirSync(target)
  .filter((folder) => /^\d{4}-\d\d-\d\dT\d{6}$/.test(folder))
  .sort()
  .slice(0, -Number(keep))
for (const folder of older) rmSync(join(target, folder), { recursive: true })
process.stdout.write(`${join(target, name)}: ${found.join(', ')}\n`)

function check(path: string): void {
  const copy = new DatabaseSync(path, { readOnly: true })
  const [answer] = copy.prepare('PRAGMA integrity_check').all()
  copy.close()
  if (answer?.integrity_check !== 'ok') throw new Error(`${path} is damaged: ${String(answer?.integrity_check)}`)
}
