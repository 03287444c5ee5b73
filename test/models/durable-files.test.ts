import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appendDurably, mendLastLine, writeFolderAtomically } from '#models/durable-files.ts'
import { temporaryFolder } from './versions.ts'

test('lines are appended behind one another, in a folder that need not be there', async () => {
  const path = join(temporaryFolder(), 'new/log.jsonl')
  expect(await appendDurably(path, 'é\n')).toBe(0)
  expect(await appendDurably(path, 'two\nthree\n')).toBe(3)
  expect(readFileSync(path, 'utf8')).toBe('é\ntwo\nthree\n')
})

test.each([
  ['is cut off where a crash has torn it', 'one\ntwo\nth', 'one\ntwo\n'],
  ['is cut off where it is the only one', 'on', ''],
  ['is completed where only its end is missing', 'one\ntwo', 'one\ntwo\n'],
  ['stays where it is whole', 'one\ntwo\n', 'one\ntwo\n'],
  ['may be missing', '', ''],
])('a last line %s', async (_, torn, mended) => {
  const path = join(temporaryFolder(), 'log.jsonl')
  writeFileSync(path, torn)
  await mendLastLine(path, (line) => ['one', 'two'].includes(line))
  expect(readFileSync(path, 'utf8')).toBe(mended)
})

test('a file that is not there has no line to mend', async () => {
  const path = join(temporaryFolder(), 'log.jsonl')
  await mendLastLine(path, () => true)
  expect(existsSync(path)).toBe(false)
})

test('a folder appears whole, and nothing else beside it', async () => {
  const parent = join(temporaryFolder(), 'kind')
  const folders = Array.from({ length: 8 }, (_, i) => String(i))
  await Promise.all(
    folders.map((name) => writeFolderAtomically(join(parent, name), new Map([['a', Buffer.from(name)]]))),
  )
  expect(readdirSync(parent).sort()).toEqual(folders)
  for (const name of folders) expect(readFileSync(join(parent, name, 'a'), 'utf8')).toBe(name)
})
