import type { Logger } from 'pino'
import { InputError } from '#data/errors.ts'
import { SECRETS } from '#jobs/secrets.ts'
import type { ServingOpener } from '#jobs/workers/open-serving.ts'

// A library as careless with secrets as can be: it shows all that the environment holds, wherever it can.

/** Every secret of this process, and the passwords within addresses by themselves. */
export function everything(): string {
  return SECRETS.flatMap((name) => {
    const secret = process.env[name]
    if (!secret) return []
    const password = URL.canParse(secret) ? new URL(secret).password : ''
    return [secret, password, decodeURIComponent(password), encodeURIComponent(secret)]
  }).join(' ')
}

/** An error as ioredis makes one: with the command that failed among its fields. */
export function carelessError(): Error {
  const error = new InputError(`no entry: ${everything()}`, { url: everything() }, new Error(everything()))
  return Object.assign(error, { command: { name: 'auth', args: everything().split(' ') } })
}

function shout(): void {
  process.stderr.write(`warning: ${everything()}\n`)
  process.stdout.write(`banner: ${JSON.stringify(JSON.stringify(everything()))}\n`)
}

export const openModels: ServingOpener = async (_directory, { only }) => {
  shout()
  if (only === undefined) throw carelessError()
  const degradations = [`no model with ${everything()}`]
  return { kind: 'none', id: undefined, model: undefined, degradations, close: async () => {} }
}

export async function train(
  { fault }: { readonly fault: 'throw' | 'uncaught' },
  { logger }: { readonly logger: Logger },
): Promise<unknown> {
  shout()
  logger.warn({ err: carelessError(), all: everything() }, everything())
  if (fault === 'throw') throw carelessError()
  setTimeout(() => {
    throw carelessError()
  })
  return new Promise(() => {})
}
