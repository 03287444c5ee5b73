import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError, ModelError } from '#data/errors.ts'
import { CARD_SCHEMA_VERSION, CardContent, isVersionId, type ModelCard, parseCard, sha256, versionId } from './card.ts'
import { codeOf, readOrNothing, writeFolderAtomically } from './durable-files.ts'
import type { ServedKind } from './regime.ts'
import { aliasFile, changeRegistry, versionFolder } from './registry-change.ts'
import { type Alias, type AliasMove, isMove, type LogEntry, type RegistryLog, readLog } from './registry-log.ts'

export const DEFAULT_REGISTRY = 'var/models'

/** The file that every version must have. */
export const ONNX_FILE = 'model.onnx'
/** The streaming step of the same model: one knot in, state and probabilities out. */
export const STEP_FILE = 'step.onnx'
export const CARD_FILE = 'card.json'

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
   * Reads what the card of a version says; its other files are not looked at.
   *
   * @throws {ModelError} where the card is missing, broken or another's
   */
  card(kind: ServedKind, id: string): Promise<ModelCard>
  /**
   * Reads a version and checks every file against the card, and the card against the id.
   *
   * @throws {ModelError} naming the file that is missing, truncated or changed
   */
  read(kind: ServedKind, id: string): Promise<StoredVersion>
  /**
   * Points `alias` at a version, after checking that it is whole; the move is logged. Whether a version may be champion
   * is for `registry-promotion.ts` to say.
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
  /** The id that `alias` points at; undefined where it points at nothing, or its file is broken. */
  find(kind: ServedKind, alias: Alias): Promise<string | undefined>
  /** All that ever happened, oldest first. */
  log(): Promise<RegistryLog>
  /** All moves of aliases, oldest first. */
  moves(): Promise<AliasMove[]>
  /** Decides on changes and makes them, all or none, while no other process changes the registry. */
  change(decide: () => Promise<readonly LogEntry[]>): Promise<readonly LogEntry[]>
}

/** Opens the registry in `directory`, which need not exist yet. */
export function openRegistry(directory: string = DEFAULT_REGISTRY): Registry {
  const folderOf = (kind: ServedKind, id: string) => versionFolder(directory, kind, id)

  async function resolveOrNothing(kind: ServedKind, alias: Alias): Promise<string | undefined> {
    const file = aliasFile(directory, kind, alias)
    const id = (await readOrNothing(file))?.toString().trim()
    if (id === undefined || isVersionId(id)) return id
    throw new ModelError(`${file} does not hold the id of a version: "${id}"`, { kind, alias })
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

    async card(kind, id) {
      if (!isVersionId(id)) throw new InputError(`"${id}" is not the id of a model version`, { kind, id })
      const path = folderOf(kind, id)
      const text = await readOrNothing(join(path, CARD_FILE))
      if (!text) throw new ModelError(`${join(path, CARD_FILE)} is missing: train again`, { kind, id })
      const card = parseCard(text.toString(), join(path, CARD_FILE))
      if (card.kind !== kind || card.id !== id) {
        throw new ModelError(`${path} holds the card of ${card.kind} ${card.id}`, { kind, id })
      }
      return card
    },

    async read(kind, id) {
      const card = await registry.card(kind, id)
      const path = folderOf(kind, id)
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
      await registry.change(async () => {
        await registry.read(kind, id)
        const from = (await registry.find(kind, alias)) ?? null
        return [{ time: now, kind, alias, from, to: id, reason }]
      })
    },

    async resolve(kind, alias) {
      const id = await resolveOrNothing(kind, alias)
      if (id !== undefined) return id
      const challenger = alias === 'champion' ? await registry.find(kind, 'challenger') : undefined
      const remedy =
        challenger === undefined
          ? 'train one'
          : `the challenger ${challenger} waits for a verdict that ships it; --versions challenger asks it`
      throw new ModelError(`no ${kind} is ${alias} in ${directory}: ${remedy}`, { kind, alias })
    },

    async find(kind, alias) {
      return resolveOrNothing(kind, alias).catch((error) => {
        // A broken alias file is replaced, not obeyed.
        if (error instanceof ModelError) return undefined
        throw error
      })
    },

    log: () => readLog(directory),

    async moves() {
      return (await readLog(directory)).entries.filter(isMove)
    },

    change: (decide) => changeRegistry(directory, decide),
  }
  return registry
}

/** Names of the files of a version. */
export const FILE_NAME = /^[a-z0-9][a-z0-9.-]*$/

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

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
