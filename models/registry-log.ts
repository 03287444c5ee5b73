import { join } from 'node:path'
import { z } from 'zod'
import { readOrNothing } from './durable-files.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'

const LOG_FILE = 'log.jsonl'

/** Movable names of versions: the one that serves, and the one that was trained and judged last. */
export const ALIASES = ['champion', 'challenger'] as const
export type Alias = (typeof ALIASES)[number]

/** UTC milliseconds. */
const time = z.int()
const kind = z.enum(SERVED_KINDS)
const reason = z.string()

/** An alias was pointed at another version. */
const AliasMove = z.object({
  time,
  kind,
  alias: z.enum(ALIASES),
  from: z.string().nullable(),
  to: z.string(),
  reason,
  /** It undid moves: back to what was champion before. */
  action: z.literal('rollback').optional(),
  /** What a champion is for: to serve first, or where the other kind cannot. Without it: as the kinds are ordered. */
  role: z.enum(['lead', 'fallback']).optional(),
  /** Without a verdict that ships it: somebody gave the reason. */
  forced: z.literal(true).optional(),
  /** Verdict that it was promoted under. */
  verdict: z.string().optional(),
})
export type AliasMove = z.infer<typeof AliasMove>

/** A version must not serve from then on. */
const ExpiryEntry = z.object({ time, action: z.literal('expire'), kind, id: z.string(), reason })
type ExpiryEntry = z.infer<typeof ExpiryEntry>
/** The files of a version were removed. */
const Deletion = z.object({ time, action: z.literal('delete'), kind, id: z.string(), reason })

/** A condition that a verdict rests on. */
const Gate = z.object({ candidate: kind.optional(), name: z.string(), passed: z.boolean(), detail: z.string() })

/** What a comparison of versions came to: what promotion goes by. */
const VerdictEntry = z.object({
  time,
  action: z.literal('verdict'),
  /** Digest of all that follows. */
  id: z.string(),
  ship: z.enum([...SERVED_KINDS, 'none']),
  /** The kind that may stand by where the one shipped cannot serve. */
  fallback: kind.optional(),
  sentence: z.string(),
  gates: z.array(Gate).readonly(),
  /** Ids of the versions compared. */
  versions: z.partialRecord(kind, z.string()),
  data: z.object({ hash: z.string(), origin: z.string() }),
  /** Hours compared on (asOf). */
  test: z.object({ from: time, to: time }),
  /** sha256 of the evaluation. */
  evaluation: z.string(),
})
export type VerdictEntry = z.infer<typeof VerdictEntry>

const LogEntry = z.union([ExpiryEntry, Deletion, VerdictEntry, AliasMove])
export type LogEntry = z.infer<typeof LogEntry>

/** What ever happened in a registry, oldest first. */
export interface RegistryLog {
  readonly entries: readonly LogEntry[]
  /** A sentence for each line that cannot be read; the others stand. */
  readonly remarks: readonly string[]
}

export function logFile(directory: string): string {
  return join(directory, LOG_FILE)
}

/** One line of the log, without its end. */
export function formatEntry(entry: LogEntry): string {
  return JSON.stringify(LogEntry.parse(entry))
}

/** The entry in a line; undefined where it holds none. */
export function parseEntry(line: string): LogEntry | undefined {
  try {
    return LogEntry.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/**
 * Reads the log. A last line without its end is one that is being written, or that a crash has torn: what it was to say
 * never happened, and it is left out without a word. The next change of the registry mends it.
 *
 * @throws {ModelError} where the file is there and cannot be read
 */
export async function readLog(directory: string): Promise<RegistryLog> {
  const file = logFile(directory)
  const lines = (await readOrNothing(file))?.toString().split('\n') ?? []
  const entries: LogEntry[] = []
  const remarks: string[] = []
  for (const [i, line] of lines.entries()) {
    if (line === '') continue
    const entry = parseEntry(line)
    if (entry) entries.push(entry)
    else if (i < lines.length - 1) remarks.push(`${file} line ${i + 1} is no entry of the log and is passed over`)
  }
  return { entries, remarks }
}

/** True for an entry about an alias. */
export function isMove(entry: LogEntry): entry is AliasMove {
  return 'alias' in entry
}

/** The entry that expired a version, if there is one. */
export function findExpiry(entries: readonly LogEntry[], kind: ServedKind, id: string): ExpiryEntry | undefined {
  return entries.findLast(
    (entry): entry is ExpiryEntry =>
      !isMove(entry) && entry.action === 'expire' && entry.kind === kind && entry.id === id,
  )
}
