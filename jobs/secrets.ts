import { readFileSync, statSync } from 'node:fs'
import { InputError } from '#data/errors.ts'
import { createRedactor, type Redactor, SHORTEST } from './redaction.ts'

/** Everything secret that millrace takes. Each has a twin with `_FILE` that names a file which holds it. */
export const SECRETS = [
  'MILLRACE_TOKEN',
  'MILLRACE_ALERT_WEBHOOK_URL',
  'MILLRACE_ALERT_WEBHOOK_SECRET',
  'MILLRACE_ALERT_SLACK_URL',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'REDIS_URL',
  'MILLRACE_POSTGRES_URL',
] as const
export type SecretName = (typeof SECRETS)[number]

/** What the environment, or files that it names, keep secret. */
export interface Secrets {
  readonly values: Readonly<Partial<Record<SecretName, string>>>
  /** What should be told although nothing is wrong. */
  readonly remarks: readonly string[]
}

/** Longer than any key or token: what is larger is another file. */
const LARGEST = 64 * 1024
const OTHERS_MAY_READ = 0o004

/** The variable that names the file of a secret, as compose and systemd hand them over. */
export function fileVariable(name: SecretName): `${SecretName}_FILE` {
  return `${name}_FILE`
}

/**
 * Reads one secret: the variable, or the file that its twin names (trailing newline trimmed). Empty is the same as absent.
 *
 * @returns the secret and the variable that gave it; undefined where neither is set
 * @throws {InputError} where both are set, or the file cannot be read or holds no single line; it never tells the content
 */
export function readSecret(
  environment: NodeJS.ProcessEnv,
  name: SecretName,
): { readonly value: string; readonly variable: string; readonly remark?: string } | undefined {
  const value = environment[name]
  const twin = fileVariable(name)
  const file = environment[twin]
  if (value && file) throw new InputError(`${name} and ${twin} are both set: unset one of them`, { field: name })
  if (value) return { value, variable: name }
  if (!file) return undefined
  return { ...readSecretFile(twin, file), variable: twin }
}

/** {@link readSecret} for all of {@link SECRETS}. */
export function readSecrets(environment: NodeJS.ProcessEnv): Secrets {
  const values: Partial<Record<SecretName, string>> = {}
  const remarks: string[] = []
  for (const name of SECRETS) {
    const found = readSecret(environment, name)
    if (!found) continue
    values[name] = found.value
    if (found.remark) remarks.push(found.remark)
    if (found.value.length < SHORTEST) remarks.push(`${name} is too short to be kept out of logs: use a longer one`)
  }
  return { values, remarks }
}

function readSecretFile(variable: string, file: string): { value: string; remark?: string } {
  const fail = (words: string, cause?: unknown): never => {
    throw new InputError(`${variable}: ${file} ${words}`, { field: variable, path: file }, cause)
  }
  let text: string
  let mode: number
  try {
    const found = statSync(file)
    mode = found.mode
    if (!found.isFile()) return fail('is no file')
    if (found.size > LARGEST) return fail(`has more than ${LARGEST / 1024} KiB: it holds no secret`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof InputError) throw error
    const { code } = error as NodeJS.ErrnoException
    return fail(code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`, error)
  }
  const value = text.replace(/\r?\n$/, '')
  if (value === '') return fail('is empty')
  if (/[\r\n]/.test(value)) return fail('has more than one line')
  const remark =
    (mode & OTHERS_MAY_READ) === 0
      ? undefined
      : `${variable}: everybody on this machine may read ${file}: \`chmod 600\` it`
  return { value, remark }
}

/** Secrets of this process, besides those of its environment. */
const kept = new Set<string>()
let redactor: Redactor | undefined

/** Makes {@link redact} look for a secret that came from elsewhere than the environment. */
export function keepSecret(secret: string): void {
  if (secret === '' || kept.has(secret)) return
  kept.add(secret)
  redactor = undefined
}

/** Takes the secrets of this process (its environment's, and those that were kept) out of a text that leaves it. */
export function redact(text: string): string {
  redactor ??= createRedactor([...ofEnvironment(process.env), ...kept])
  return redactor(text)
}

function* ofEnvironment(environment: NodeJS.ProcessEnv): Generator<string> {
  for (const name of SECRETS) {
    try {
      const found = readSecret(environment, name)
      if (found) yield found.value
    } catch {
      // Whoever needs the secret says what is wrong with it; where both are set, the variable must not get out either.
      if (environment[name]) yield environment[name]
    }
  }
}

/** For `pino({ hooks })`: no line of the log holds a secret, whoever put it there. */
export const LOG_HOOKS = { streamWrite: redact }
