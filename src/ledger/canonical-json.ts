import { InputError } from '#data/errors.ts'

/**
 * JSON that is the same text for the same content: keys sorted by UTF-16 code units, no blanks, numbers as ECMAScript
 * writes them (RFC 8785, JSON canonicalisation scheme). What JSON cannot say is refused, not turned into `null`: a ledger
 * with an unknown amount would be worse than none. Optional fields that are undefined are left out.
 *
 * @throws {InputError} naming the path of a number that is not finite, or of what is no plain data.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$')
}

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw notPlain(path, String(value))
      return String(value)
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return `[${value.map((item, i) => write(item, `${path}[${i}]`)).join(',')}]`
      return writeObject(value as Record<string, unknown>, path)
    default:
      throw notPlain(path, typeof value)
  }
}

function writeObject(value: Record<string, unknown>, path: string): string {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw notPlain(path, prototype.constructor?.name ?? 'object')
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const part = value[key]
    if (part === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${write(part, `${path}.${key}`)}`
  }
  return `{${text}}`
}

function notPlain(path: string, what: string): InputError {
  return new InputError(`${path} is ${what}: a ledger keeps finite numbers, text, lists and plain objects only`, {
    path,
  })
}
