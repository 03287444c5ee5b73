import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appendLine, writeFolderAtomically } from '#models/durable-files.ts'
import { temporaryFolder } from './versions.ts'

test('a line can be taken back, but not once another stands behind it', async () => {
  const path = join(temporaryFolder(), 'new/log.jsonl')
  await appendLine(path, 'é')
  const takeBack = await appendLine(path, 'two')
  await takeBack()
  expect(readFileSync(path, 'utf8')).toBe('é\n')
  const tooLate = await appendLine(path, 'three')
  await appendLine(path, 'four')
  await tooLate()
  expect(readFileSync(path, 'utf8')).toBe('é\nthree\nfour\n')
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
