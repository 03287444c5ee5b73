import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { SERVED_KINDS } from './regime.ts'

export const CARD_SCHEMA_VERSION = 1

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hexadecimal')
/** UTC milliseconds. */
const Time = z.int().min(0)

/** Record of a file of a version. */
const FileRecord = z.object({ sha256: Sha256, bytes: z.int().min(0) })
export type FileRecord = z.infer<typeof FileRecord>

/** What the trainer knows about a model: where it comes from, what it takes, how well it does. */
export const CardContent = z.object({
  kind: z.enum(SERVED_KINDS),
  /** Channels and knots of a window. */
  channels: z.array(z.string().min(1)).min(1),
  knots: z.int().min(1),
  /** Definition of the centred label (design section 5): half width in hours, and kappa. */
  label: z.object({ w: z.number().positive(), kappa: z.number().positive() }),
  scaling: z.object({ channels: z.array(z.string()), median: z.array(z.number()), iqr: z.array(z.number()) }),
  seed: z.int(),
  configuration: z.record(z.string(), z.unknown()),
  data: z.object({
    /** Digest of the training bars. */
    hash: z.string().min(1),
    /** Where they came from, e.g. `csv:data`. */
    origin: z.string().min(1),
    coins: z.array(z.string()).min(1),
    range: z.object({ from: Time, to: Time }),
  }),
  metrics: z.record(z.string(), z.unknown()),
  /** How far the ONNX graph was from the model that was trained, over so many real windows. */
  parity: z.object({ maxAbsDiff: z.number().min(0), windows: z.int().min(1) }),
  /** Version of millrace that made it. */
  millrace: z.string().min(1),
  /** From when on the model must not serve, UTC milliseconds. */
  expiresAt: Time.optional(),
  /** Key of the training that made it, where it had one: asked for again, it is not made again. */
  training: z.string().min(1).optional(),
})
export type CardContent = z.infer<typeof CardContent>

/** The model card, `card.json`: content, identity, and the digests of the version's other files. */
export const ModelCard = CardContent.extend({
  schemaVersion: z.literal(CARD_SCHEMA_VERSION),
  id: z.string().min(1),
  /** UTC milliseconds. */
  createdAt: Time,
  files: z.record(z.string(), FileRecord),
})
export type ModelCard = z.infer<typeof ModelCard>

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** JSON with sorted keys: the same content always has the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

/** `2025-04-01T12:00:00.123Z` as `20250401T120000123Z`: sorts like time and is a valid file name everywhere. */
function timeStamp(time: number): string {
  return new Date(time).toISOString().replaceAll(/[-:.]/g, '')
}

const ID = /^\d{8}T\d{9}Z-[0-9a-f]{16}$/

/** True for a name that {@link versionId} can have made. */
export function isVersionId(name: string): boolean {
  return ID.test(name)
}

/** The time of a version, UTC milliseconds: the first half of its id. */
export function timeOfVersion(id: string): number {
  return Date.parse(id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-.*$/, '$1-$2-$3T$4:$5:$6.$7Z'))
}

/**
 * Identity of a version: its time, so that ids sort, and a digest of everything in the card (and by the digests in it,
 * of every file), so that a card that was changed no longer fits its own id.
 */
export function versionId(card: Omit<ModelCard, 'id'> & { id?: string }): string {
  const { id: _, ...content } = card
  return `${timeStamp(card.createdAt)}-${sha256(canonicalJson(content)).slice(0, 16)}`
}

/**
 * Reads `card.json`.
 *
 * @param where named in errors
 * @throws {ModelError} for text that is not JSON (truncated), does not match the schema, or does not fit its id
 */
export function parseCard(text: string, where: string): ModelCard {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new ModelError(`${where} is not whole JSON (${text.length} characters): train again`, { file: where }, cause)
  }
  const parsed = ModelCard.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ModelError(`${where}: ${issue.path.join('.') || 'card'}: ${issue.message}`, { file: where })
  }
  const card = parsed.data
  if (versionId(card) !== card.id) {
    throw new ModelError(`${where} was changed after it was written: its content does not fit its id ${card.id}`, {
      file: where,
      id: card.id,
    })
  }
  return card
}
