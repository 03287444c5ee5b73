import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InputError, UnavailableError } from '#data/errors.ts'
import { openRunningBroker } from '#jobs/running-broker.ts'
import { readUpAddress, writeUpAddress } from '#jobs/up-address.ts'
import { ownerName } from '#models/owner.ts'
import { silentLogger as logger } from './silent-logger.ts'

const ADDRESS = {
  postgresUrl: 'postgres://millrace:planted-password@127.0.0.1:1/postgres',
  namespace: 'millrace',
  http: 'http://127.0.0.1:9470',
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-up-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What `up` leaves behind, with some of it changed. */
async function leave(folder: string, changes: object): Promise<void> {
  const address = { pid: process.pid, owner: await ownerName(), ...ADDRESS, ...changes }
  await writeFile(join(folder, 'up.json'), JSON.stringify(address))
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid!
}

describe('the address of a running fleet', () => {
  it('is there while it runs, for its owner only', async () => {
    const folder = join(temporaryFolder(), 'state')
    expect(await readUpAddress(folder)).toBeUndefined()
    const remove = await writeUpAddress(folder, ADDRESS)
    expect(statSync(join(folder, 'up.json')).mode & 0o777).toBe(0o600)
    expect(await readUpAddress(folder)).toEqual({ pid: process.pid, owner: expect.any(String), ...ADDRESS })
    await remove()
    expect(await readUpAddress(folder)).toBeUndefined()
    await remove()
  })

  it('stays closed to others when a file of wider rights was there', async () => {
    const folder = temporaryFolder()
    await writeFile(join(folder, 'up.json'), '{}', { mode: 0o644 })
    await writeUpAddress(folder, ADDRESS)
    expect(statSync(join(folder, 'up.json')).mode & 0o777).toBe(0o600)
  })

  it('is none when its process is gone, or was on another machine', async () => {
    const folder = temporaryFolder()
    const ours = await ownerName()
    expect(ours).toMatch(new RegExp(`^${process.pid}\\.`))
    const others = {
      ended: ours.replace(/^\d+/, String(await deadPid())),
      // The id was given again to a process that began at another time.
      recycled: ours.replace(/\.\d+\./, '.1.'),
      elsewhere: ours.replace(/@.*/, '@elsewhere'),
    }
    await leave(folder, { owner: ours })
    expect(await readUpAddress(folder)).toBeDefined()
    for (const owner of Object.values(others)) {
      await leave(folder, { owner })
      expect(await readUpAddress(folder), owner).toBeUndefined()
    }
  })

  it('is not removed by one that another has taken the place of', async () => {
    const folder = temporaryFolder()
    const remove = await writeUpAddress(folder, ADDRESS)
    const other = await ownerName()
    await leave(folder, { owner: other })
    await remove()
    expect((await readUpAddress(folder))?.owner).toBe(other)
  })

  it('that is none says which file, and nothing of what stands in it', async () => {
    const folder = temporaryFolder()
    for (const text of ['planted-password', '{"postgresUrl":"planted-password"}']) {
      writeFileSync(join(folder, 'up.json'), text)
      const error = await readUpAddress(folder).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toMatch(/up\.json is not what `millrace up` writes: remove it/)
      expect(JSON.stringify([error, error.message, String(error.cause)])).not.toContain('planted-password')
    }
  })
})

describe('the broker of a running fleet', () => {
  it('is asked for in words where there is none', async () => {
    const stateDirectory = temporaryFolder()
    const error = await openRunningBroker({ stateDirectory }, logger).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/no fleet runs on the state folder .* `millrace up`, or set REDIS_URL/)
  })

  it('on Redis is not guessed', async () => {
    const stateDirectory = temporaryFolder()
    await leave(stateDirectory, { postgresUrl: undefined })
    const error = await openRunningBroker({ stateDirectory }, logger).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/does not use the embedded broker: set REDIS_URL/)
  })

  it('that does not answer is unavailable, without its password', async () => {
    const stateDirectory = temporaryFolder()
    await leave(stateDirectory, {})
    const error = await openRunningBroker({ stateDirectory }, logger).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toMatch(/process \d+\) does not answer: PostgreSQL at postgres:\/\/127\.0\.0\.1:1\/postgres/)
    expect(JSON.stringify([error, error.message])).not.toContain('planted-password')
  })
})
