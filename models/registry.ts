import { access, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { InputError, ModelError } from '#data/errors.ts'
import { CARD_SCHEMA_VERSION, CardContent, isVersionId, type ModelCard, parseCard, sha256, versionId } from './card.ts'
import { appendLine, codeOf, writeFolderAtomically, writing } from './durable-files.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'

export const DEFAULT_REGISTRY = 'var/models'

/** The file that every version must have. */
export const ONNX_FILE = 'model.onnx'
/** The streaming step of the same model: one knot in, state and probabilities out. */
export const STEP_FILE = 'step.onnx'
const CARD_FILE = 'card.json'
const LOG_FILE = 'log.jsonl'

/** Movable names of versions: the one that serves, and the one that wants to. */
export const ALIASES = ['champion', 'challenger'] as const
export type Alias = (typeof ALIASES)[number]

/** A version to be kept: `model.onnx`, the weights, the self-check, by file name. */
export interface NewVersion {
  readonly content: CardContent
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Time of the version, UTC milliseconds. */
  readonly now: number
}

/** A version whose files are what they were when it was saved. */
export interface StoredVersion {
  readonly card: ModelCard
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Its folder. */
  readonly path: string
}

const AliasMove = z.object({
  /** UTC milliseconds. */
  time: z.int(),
  kind: z.enum(SERVED_KINDS),
  alias: z.enum(ALIASES),
  from: z.string().nullable(),
  to: z.string(),
  reason: z.string(),
})
export type AliasMove = z.infer<typeof AliasMove>

/** Checkpoints on disk: immutable versions `<kind>/<id>/`, and aliases that move. */
export interface Registry {
  readonly directory: string
  /**
   * Keeps a version for ever.
   *
   * @throws {InputError} for a card that breaks the schema, or without `model.onnx`
   * @throws {FatalError} where the disk is full or refuses; no half-written version is left
   */
  save(version: NewVersion): Promise<ModelCard>
  /** Ids of the versions of a kind, oldest first. */
  list(kind: ServedKind): Promise<string[]>
  /**
   * Reads a version and checks every file against the card, and the card against the id.
   *
   * @throws {ModelError} naming the file that is missing, truncated or changed
   */
  read(kind: ServedKind, id: string): Promise<StoredVersion>
  /**
   * Points `alias` at a version, after checking that it is whole; the move is logged first.
   *
   * @throws {ModelError} where the version is not usable
   * @throws {FatalError} where the disk is full or refuses; the alias stays where it was
   */
  promote(kind: ServedKind, id: string, alias: Alias, reason: string, now: number): Promise<void>
  /**
   * The id that `alias` points at.
   *
   * @throws {ModelError} where it points at nothing
   */
  resolve(kind: ServedKind, alias: Alias): Promise<string>
  /**
   * All moves of aliases, oldest first.
   *
   * @throws {ModelError} naming the line of the log that is none (torn by a crash: that move was never made)
   */
  moves(): Promise<AliasMove[]>
}

/** Opens the registry in `directory`, which need not exist yet. */
export function openRegistry(directory: string = DEFAULT_REGISTRY): Registry {
  const folderOf = (kind: ServedKind, id: string) => join(directory, kind, id)
  const aliasFile = (kind: ServedKind, alias: Alias) => join(directory, kind, alias)

  async function resolveOrNothing(kind: ServedKind, alias: Alias): Promise<string | undefined> {
    const text = await readOrNothing(aliasFile(kind, alias))
    const id = text?.toString().trim()
    if (id === undefined || isVersionId(id)) return id
    throw new ModelError(`${aliasFile(kind, alias)} does not hold the id of a version: "${id}"`, { kind, alias })
  }

  const registry: Registry = {
    directory,

    async save({ content, files, now }) {
      const card = makeCard(content, files, now)
      const path = folderOf(card.kind, card.id)
      // The id covers the content, so a version that is there already is this one.
      if (await exists(path)) return card
      const text = `${JSON.stringify(card, undefined, 2)}\n`
      const contents = new Map([...Object.entries(files), [CARD_FILE, Buffer.from(text)]])
      await writeFolderAtomically(path, contents).catch((error) => {
        // Another process saved the same version in the meantime.
        if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
      })
      return card
    },

    async list(kind) {
      const entries = await readdir(join(directory, kind)).catch((error) => {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      })
      return entries.filter(isVersionId).sort()
    },

    async read(kind, id) {
      if (!isVersionId(id)) throw new InputError(`"${id}" is not the id of a model version`, { kind, id })
      const path = folderOf(kind, id)
      const text = await readOrNothing(join(path, CARD_FILE))
      if (!text) throw new ModelError(`${join(path, CARD_FILE)} is missing: train again`, { kind, id })
      const card = parseCard(text.toString(), join(path, CARD_FILE))
      if (card.kind !== kind || card.id !== id) {
        throw new ModelError(`${path} holds the card of ${card.kind} ${card.id}`, { kind, id })
      }
      const files = new Map<string, Uint8Array>()
      for (const [name, expected] of Object.entries(card.files)) {
        const file = join(path, name)
        const bytes = await readOrNothing(file)
        if (!bytes) throw new ModelError(`${file} is missing: train again`, { kind, id, file: name })
        if (bytes.length !== expected.bytes) {
          throw new ModelError(`${file} has ${bytes.length} bytes, the card says ${expected.bytes}`, {
            kind,
            id,
            file: name,
          })
        }
        if (sha256(bytes) !== expected.sha256) {
          throw new ModelError(`${file} was changed: its sha256 is not the one on the card`, { kind, id, file: name })
        }
        files.set(name, bytes)
      }
      return { card, files, path }
    },

    async promote(kind, id, alias, reason, now) {
      await registry.read(kind, id)
      const from = await resolveOrNothing(kind, alias).catch((error) => {
        // A broken alias file is replaced, not obeyed.
        if (error instanceof ModelError) return undefined
        throw error
      })
      const move: AliasMove = { time: now, kind, alias, from: from ?? null, to: id, reason }
      // Logged before it is done, so that no move is ever missing from the log; a move that fails is struck out.
      const strikeOut = await appendLine(join(directory, LOG_FILE), JSON.stringify(AliasMove.parse(move)))
      const file = aliasFile(kind, alias)
      await writing(file, async () => {
        await mkdir(dirname(file), { recursive: true })
        await writeFileAtomic(file, `${id}\n`)
      }).catch(async (error) => {
        await strikeOut()
        throw error
      })
    },

    async resolve(kind, alias) {
      const id = await resolveOrNothing(kind, alias)
      if (id !== undefined) return id
      throw new ModelError(`no ${kind} is ${alias} in ${directory}: train one and promote it`, { kind, alias })
    },

    async moves() {
      const file = join(directory, LOG_FILE)
      const lines = (await readOrNothing(file))?.toString().split('\n') ?? []
      return lines.flatMap((line, i) => (line === '' ? [] : [parseMove(line, `${file} line ${i + 1}`)]))
    },
  }
  return registry
}

const FILE_NAME = /^[a-z0-9][a-z0-9.-]*$/

function makeCard(content: CardContent, files: Readonly<Record<string, Uint8Array>>, now: number): ModelCard {
  const parsed = CardContent.safeParse(content)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new InputError(`model card: ${issue.path.join('.')}: ${issue.message}`, { path: issue.path })
  }
  if (!(ONNX_FILE in files)) throw new InputError(`a model version needs the file ${ONNX_FILE}`)
  for (const name of Object.keys(files)) {
    if (!FILE_NAME.test(name) || name === CARD_FILE) throw new InputError(`"${name}" cannot be a file of a version`)
  }
  // Through JSON, so that what is hashed is what will be read: no undefined, no -0, no typed arrays.
  const card = JSON.parse(
    JSON.stringify({
      schemaVersion: CARD_SCHEMA_VERSION,
      createdAt: now,
      ...parsed.data,
      files: Object.fromEntries(
        Object.entries(files).map(([name, bytes]) => [name, { sha256: sha256(bytes), bytes: bytes.length }]),
      ),
    }),
  )
  return { ...card, id: versionId(card) }
}

function parseMove(line: string, where: string): AliasMove {
  try {
    return AliasMove.parse(JSON.parse(line))
  } catch (cause) {
    throw new ModelError(`${where} is not a move of an alias: remove the line`, { place: where }, cause)
  }
}

/** Reads a file; `undefined` where there is none. What cannot be read for another reason is a broken model. */
async function readOrNothing(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ModelError(`${path} cannot be read (${code ?? cause})`, { path, code }, cause)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
