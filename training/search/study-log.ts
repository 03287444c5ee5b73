import { type FileHandle, mkdir, open, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InputError } from '#data/errors.ts'
import { codeOf, writing } from '#models/durable-files.ts'
import { StudyEvent } from './study.ts'

/** A study's log: one JSON document a line, only ever appended to. */
export interface StudyLog {
  /** What stood in it when it was opened. */
  readonly events: readonly StudyEvent[]
  /**
   * Adds a line; resolves when the disk has it.
   *
   * @throws {FatalError} where the disk is full or refuses
   */
  append(event: StudyEvent): Promise<void>
  close(): Promise<void>
}

/**
 * Reads a log as far as it is whole: a last line that was torn by a crash is no part of it.
 *
 * @returns the events and the bytes that they take
 * @throws {InputError} naming the first line before the last that cannot be read
 */
export async function readStudyLog(path: string): Promise<{ events: StudyEvent[]; bytes: number }> {
  let content: Buffer
  try {
    content = await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { events: [], bytes: 0 }
    throw error
  }
  const events: StudyEvent[] = []
  let start = 0
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, start)) {
    const event = parseLine(content.toString('utf8', start, end))
    if (!event) {
      const words = `${path} line ${events.length + 1} is no event of a search: restore the file or give another --name`
      throw new InputError(words, { path, line: events.length + 1 })
    }
    events.push(event)
    start = end + 1
  }
  return { events, bytes: start }
}

function parseLine(line: string): StudyEvent | undefined {
  try {
    const checked = StudyEvent.safeParse(JSON.parse(line))
    return checked.success ? checked.data : undefined
  } catch {
    return undefined
  }
}

/**
 * Opens a log for reading and appending, and makes it where there is none. A torn last line is cut off.
 *
 * @throws {InputError} where it is damaged before its last line
 * @throws {FatalError} where the disk refuses
 */
export async function openStudyLog(path: string): Promise<StudyLog> {
  const folder = dirname(path)
  await writing(path, () => mkdir(folder, { recursive: true }))
  const { events, bytes } = await readStudyLog(path)
  const file = await writing(path, () => open(path, 'a'))
  await writing(path, async () => {
    await truncate(path, bytes)
    await file.sync()
    await synchroniseFolder(folder)
  })
  let last: Promise<void> = Promise.resolve()
  return {
    events,
    append(event) {
      // One after the other, also where several trials end at once.
      const appended = last.then(() => writing(path, () => appendLine(file, event)))
      last = appended.catch(() => {})
      return appended
    },
    async close() {
      await last
      await file.close()
    },
  }
}

async function appendLine(file: FileHandle, event: StudyEvent): Promise<void> {
  await file.appendFile(`${JSON.stringify(event)}\n`)
  await file.datasync()
}

/** A new file is only safe once its folder's entry is. On Windows a folder cannot be opened for that. */
async function synchroniseFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
