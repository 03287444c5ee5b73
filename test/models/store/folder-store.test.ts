import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openFolderStore } from '#models/store/folder-store.ts'
import { openObjectStore } from '#models/store/open-store.ts'
import { temporaryFolder } from '../versions.ts'
import { describeObjectStore } from './conformance.ts'

describeObjectStore('a folder', async () => {
  const directory = join(temporaryFolder(), 'store')
  return { store: openFolderStore(directory), again: () => openFolderStore(directory) }
})

describe('a folder as an object store', () => {
  it('is named by its path or as a file URL', async () => {
    const directory = temporaryFolder()
    const now = Date.now
    await openObjectStore({ url: pathToFileURL(directory).href }, { now }).put('a', Buffer.from('1'))
    expect(await openObjectStore({ url: directory }, { now }).get('a')).toMatchObject({ bytes: Buffer.from('1') })
  })

  it('leaves no drafts behind, whether it wrote or was refused', async () => {
    const directory = temporaryFolder()
    const store = openFolderStore(directory)
    await store.put('a', Buffer.from('1'))
    await store.put('a', Buffer.from('2'), { ifAbsent: true })
    await store.put('a', Buffer.from('3'), { ifMatch: 'x' })
    expect(await readdir(join(directory, '.drafts'))).toEqual([])
    expect((await readdir(directory)).filter((name) => !name.startsWith('.'))).toEqual(['a'])
  })

  it('tells what is not there from what cannot be read', async () => {
    const directory = temporaryFolder()
    const store = openFolderStore(directory)
    await mkdir(join(directory, 'folder'))
    await expect(store.get('folder')).rejects.toThrow(/folder cannot be read now \(EISDIR\)/)
    await writeFile(join(directory, 'file'), 'x')
    expect(await store.get('file/below')).toBeUndefined()
  })
})
