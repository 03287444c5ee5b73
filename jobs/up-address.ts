import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { writing } from '#models/durable-files.ts'
import { isAbandoned, ownerName } from '#models/owner.ts'

/** Where a running `millrace up` is reached by the other commands of this machine. */
const upAddressSchema = z.strictObject({
  pid: z.int().positive(),
  /** Tells a process id that was given again, or belongs to another machine that shares the folder. */
  owner: z.string(),
  /** Its embedded broker, with the password; absent where it runs on Redis. */
  postgresUrl: z.string().optional(),
  namespace: z.string(),
  /** `http://127.0.0.1:9470`; absent where it serves none. */
  http: z.string().optional(),
})
export type UpAddress = z.infer<typeof upAddressSchema>

const pathOf = (stateDirectory: string) => join(stateDirectory, 'up.json')

/**
 * Leaves the address of this process in `<state>/up.json`, readable by its owner only: it holds the password of the
 * embedded broker.
 *
 * @returns removes it again, unless another process has written its own meanwhile
 * @throws {FatalError} where the disk is full or refuses
 */
export async function writeUpAddress(
  stateDirectory: string,
  address: Omit<UpAddress, 'pid' | 'owner'>,
): Promise<() => Promise<void>> {
  const path = pathOf(stateDirectory)
  const ours: UpAddress = { pid: process.pid, owner: await ownerName(), ...address }
  await writing(path, async () => {
    await mkdir(stateDirectory, { recursive: true })
    await writeFileAtomic(path, `${JSON.stringify(ours)}\n`, { mode: 0o600 })
  })
  return async () => {
    const there = await readUpAddress(stateDirectory).catch(() => undefined)
    if (there?.owner === ours.owner) await rm(path, { force: true })
  }
}

/**
 * The address of the `millrace up` that runs on this state folder; undefined where none does: a process that was killed
 * leaves its file behind.
 *
 * @throws {InputError} when the file is there and is no address
 */
export async function readUpAddress(stateDirectory: string): Promise<UpAddress | undefined> {
  const path = pathOf(stateDirectory)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new InputError(`${path} cannot be read: ${(error as Error).message}`, { path }, error)
  }
  const address = parseAddress(text)
  // What stands in it is never repeated: it may hold a password.
  if (!address) throw new InputError(`${path} is not what \`millrace up\` writes: remove it`, { path })
  return (await isAbandoned(address.owner, Number.POSITIVE_INFINITY)) ? undefined : address
}

function parseAddress(text: string): UpAddress | undefined {
  try {
    return upAddressSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
