import { readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { appendDurably, codeOf, DRAFT, mendLastLine, readOrNothing, replaceFile, writing } from './durable-files.ts'
import { isAbandoned, ownerName } from './owner.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'
import { isLockDraft, withRegistryLock } from './registry-lock.ts'
import { ALIASES, type Alias, formatEntry, isMove, type LogEntry, logFile, parseEntry } from './registry-log.ts'

/**
 * Changes of a registry that happen whole or not at all, whenever the process may be killed. What is to be done is first
 * written to a journal; then the lines are appended to the log, the aliases moved and versions removed; then the journal
 * goes. Whoever changes the registry next finishes what a journal says that was begun.
 */

const JOURNAL_FILE = 'pending.json'
/** A version's folder on its way out. */
const GONE = '.gone-'
/** Left by a crash in the middle of replacing one of the small files: its name and a number. */
const HALF_REPLACED = new RegExp(`^(${[...ALIASES, JOURNAL_FILE].join('|').replace('.', '\\.')})\\.\\d+$`)

const Journal = z.object({
  /** Bytes of the log before. */
  logSize: z.int().min(0),
  lines: z.array(z.string()),
})
type Journal = z.infer<typeof Journal>

export function aliasFile(directory: string, kind: ServedKind, alias: Alias): string {
  return join(directory, kind, alias)
}

export function versionFolder(directory: string, kind: ServedKind, id: string): string {
  return join(directory, kind, id)
}

/**
 * Decides on a change and makes it, while nobody else changes the registry.
 *
 * @param decide reads what it must and gives the entries to be logged and carried out; none for no change
 * @returns the entries
 * @throws {FatalError} where the disk is full or refuses; nothing has changed then
 * @throws {UnavailableError} where another process holds the registry for too long
 */
export async function changeRegistry(
  directory: string,
  decide: () => Promise<readonly LogEntry[]>,
): Promise<readonly LogEntry[]> {
  return withRegistryLock(directory, async () => {
    await finishJournal(directory)
    await sweep(directory)
    const entries = await decide()
    if (entries.length > 0) await commit(directory, entries)
    return entries
  })
}

/** True where a change was begun and not finished: the next change finishes it. */
export async function isChangePending(directory: string): Promise<boolean> {
  return (await readOrNothing(join(directory, JOURNAL_FILE))) !== undefined
}

async function commit(directory: string, entries: readonly LogEntry[]): Promise<void> {
  const log = logFile(directory)
  const journal = join(directory, JOURNAL_FILE)
  const lines = entries.map(formatEntry)
  const logSize = (await readOrNothing(log))?.length ?? 0
  await replaceFile(journal, `${JSON.stringify({ logSize, lines } satisfies Journal)}\n`)
  const moved: LogEntry[] = []
  try {
    await appendDurably(log, textOf(lines))
    for (const entry of entries) {
      await carryOut(directory, entry)
      moved.unshift(entry)
    }
  } catch (error) {
    // If even this fails, the journal stays, and the change is finished when the disk lets it be.
    for (const entry of moved) if (isMove(entry)) await undo(directory, entry)
    if (await readOrNothing(log)) await truncate(log, logSize)
    await rm(journal, { force: true })
    throw error
  }
  await writing(journal, () => rm(journal, { force: true }))
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** Does what an entry says; once more changes nothing. */
async function carryOut(directory: string, entry: LogEntry): Promise<void> {
  if (isMove(entry)) await replaceFile(aliasFile(directory, entry.kind, entry.alias), `${entry.to}\n`)
  else if (entry.action === 'delete') await removeVersion(directory, entry.kind, entry.id)
}

async function undo(directory: string, { kind, alias, from }: Extract<LogEntry, { alias: Alias }>): Promise<void> {
  const file = aliasFile(directory, kind, alias)
  if (from === null) await rm(file, { force: true })
  else await replaceFile(file, `${from}\n`)
}

/** The version is gone at once; its files follow. */
async function removeVersion(directory: string, kind: ServedKind, id: string): Promise<void> {
  const gone = join(directory, kind, `${GONE}${await ownerName()}`)
  const folder = versionFolder(directory, kind, id)
  await writing(folder, async () => {
    await rename(folder, gone).catch((error) => {
      if (codeOf(error) !== 'ENOENT') throw error
    })
    await rm(gone, { recursive: true, force: true })
  })
}

/** Finishes the change that a crash has interrupted, and mends the log. */
async function finishJournal(directory: string): Promise<void> {
  const log = logFile(directory)
  const file = join(directory, JOURNAL_FILE)
  const text = (await readOrNothing(file))?.toString()
  const journal = text === undefined ? undefined : parseJournal(text)
  if (journal) {
    const { logSize, lines } = journal
    const expected = Buffer.from(textOf(lines))
    const content = (await readOrNothing(log)) ?? Buffer.alloc(0)
    const written = content.subarray(Math.min(logSize, content.length))
    // Anything else behind the mark means that the log went on after it: then the change was finished long ago.
    if (content.length >= logSize && expected.subarray(0, written.length).equals(written)) {
      if (written.length < expected.length) {
        if (written.length > 0) await writing(log, () => truncate(log, logSize))
        await appendDurably(log, expected.toString())
      }
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry) await carryOut(directory, entry)
      }
    }
  }
  if (text !== undefined) await writing(file, () => rm(file, { force: true }))
  await mendLastLine(log, (line) => parseEntry(line) !== undefined)
}

function parseJournal(text: string): Journal | undefined {
  try {
    return Journal.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Removes what crashes have left: drafts of those who have ended, files half replaced, versions half removed. */
async function sweep(directory: string): Promise<void> {
  for (const folder of [directory, ...SERVED_KINDS.map((kind) => join(directory, kind))]) {
    const names = await readdir(folder).catch((error) => {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    })
    for (const name of names) {
      const path = join(folder, name)
      const owner = name.startsWith(DRAFT) ? name.slice(DRAFT.length) : isLockDraft(name)
      // Only who holds the lock removes versions and replaces files: these are left by one who held it and has ended.
      const left =
        name.startsWith(GONE) || HALF_REPLACED.test(name) || (owner && (await isLeft(path, owner, directory)))
      if (left) await writing(path, () => rm(path, { recursive: true, force: true }))
    }
  }
}

async function isLeft(path: string, owner: string, directory: string): Promise<boolean> {
  const made = await stat(path).catch(() => undefined)
  if (!made) return false
  // The lock was taken just now: the time of the folder that it stands in is the disk's own now.
  const now = (await stat(directory)).mtimeMs
  return isAbandoned(owner, now - made.mtimeMs)
}
