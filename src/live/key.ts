import { readFileSync, statSync } from 'node:fs'
import { InputError } from '#data/errors.ts'

/** Where a signing key comes from: never from a flag or a settings file, which end up in histories and reports. */
const FILE = 'HYPERLIQUID_KEY_FILE'
const VALUE = 'HYPERLIQUID_KEY'

/** A private key. Prints and serialises as `***`; only the signer takes the bytes out. */
export interface SigningKey {
  readonly bytes: () => Uint8Array
}

/**
 * Reads the key that signs orders: from the file that `HYPERLIQUID_KEY_FILE` names (readable by its owner only), or from
 * `HYPERLIQUID_KEY`; 64 hexadecimal digits, `0x` before them or not. Use the key of an agent wallet: it can trade, but
 * not withdraw (Hyperliquid document, section 8.6).
 *
 * @throws {InputError} that says where the key was looked for and what is wrong, and holds nothing of it
 */
export function readSigningKey(environment: Readonly<Record<string, string | undefined>>): SigningKey {
  const path = environment[FILE]
  const value = environment[VALUE]
  if (path !== undefined && value !== undefined) throw new InputError(`set ${FILE} or ${VALUE}, not both`)
  if (path !== undefined) return keyOf(readPrivateFile(path), `the file that ${FILE} names`)
  if (value !== undefined) return keyOf(value, VALUE)
  throw new InputError(`there is no key to sign with: set ${FILE} to a file that holds it, or ${VALUE}`)
}

function readPrivateFile(path: string): string {
  let text: string
  let mode: number
  try {
    text = readFileSync(path, 'utf8')
    mode = statSync(path).mode
  } catch (error) {
    // Not as the cause: what a file system says of a path is safe, but nothing more is wanted in a log than the code.
    const { code } = error as NodeJS.ErrnoException
    throw new InputError(`${FILE}: cannot read ${path} (${code})`, { path, code })
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new InputError(`${FILE}: others than its owner may read ${path}: chmod 600 it`, { path })
  }
  return text
}

function keyOf(text: string, origin: string): SigningKey {
  const [, digits] = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text.trim()) ?? []
  if (digits === undefined) throw new InputError(`${origin} does not hold 64 hexadecimal digits`, { origin })
  const bytes = Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16))
  return hide(bytes)
}

/** The bytes are in a closure, so that nothing that walks over properties finds them. */
function hide(bytes: Uint8Array): SigningKey {
  const key = { bytes: () => bytes.slice(), toString: () => '***', toJSON: () => '***' }
  Object.defineProperty(key, Symbol.for('nodejs.util.inspect.custom'), { value: () => '***', enumerable: false })
  return Object.freeze(key)
}
