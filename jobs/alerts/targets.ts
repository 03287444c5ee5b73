import { InputError, UnavailableError } from '#data/errors.ts'
import { fileVariable, type SecretName, type Secrets } from '../secrets.ts'
import type { AlertMessage } from './message.ts'
import { slackBody } from './slack.ts'
import { signatureOf, webhookBody } from './webhook.ts'

/** Somewhere that alerts are sent to. */
export interface AlertTarget {
  readonly name: 'webhook' | 'slack'
  /** Of the address only this may be shown. */
  readonly host: string
  readonly url: string
  /** The request for a message. */
  request(message: AlertMessage): { readonly body: string; readonly headers: Readonly<Record<string, string>> }
}

/** How long a target has to answer one request, milliseconds. */
const PATIENCE = 5_000

/**
 * The targets that the secrets name; none where there is no address.
 *
 * @throws {InputError} for an address that is none of the web, without repeating it
 */
export function alertTargets({ values }: Secrets): AlertTarget[] {
  const targets: AlertTarget[] = []
  if (values.MILLRACE_ALERT_WEBHOOK_URL) {
    const secret = values.MILLRACE_ALERT_WEBHOOK_SECRET
    targets.push({
      name: 'webhook',
      ...addressOf('MILLRACE_ALERT_WEBHOOK_URL', values.MILLRACE_ALERT_WEBHOOK_URL, (message) => {
        const body = webhookBody(message)
        const headers: Record<string, string> = secret ? { 'x-millrace-signature': signatureOf(body, secret) } : {}
        return { body, headers }
      }),
    })
  }
  if (values.MILLRACE_ALERT_SLACK_URL) {
    targets.push({
      name: 'slack',
      ...addressOf('MILLRACE_ALERT_SLACK_URL', values.MILLRACE_ALERT_SLACK_URL, (message) => ({
        body: slackBody(message),
        headers: {},
      })),
    })
  }
  return targets
}

function addressOf(
  variable: SecretName,
  text: string,
  write: (message: AlertMessage) => ReturnType<AlertTarget['request']>,
): Omit<AlertTarget, 'name'> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InputError(`${variable} (or ${fileVariable(variable)}) must be https://host/path, or http://`, {
      field: variable,
    })
  }
  const { host, username, password } = url
  // `fetch` takes no user in an address.
  url.username = ''
  url.password = ''
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const authorization: Record<string, string> = username || password ? { authorization: `Basic ${basic}` } : {}
  return {
    host,
    url: url.href,
    request(message) {
      const { body, headers } = write(message)
      return {
        body,
        headers: { 'content-type': 'application/json', 'user-agent': 'millrace', ...authorization, ...headers },
      }
    },
  }
}

/**
 * Sends a message once.
 *
 * @returns the status of the answer, 200 to 299
 * @throws {UnavailableError} for 429, 5xx, and where no answer came in time
 * @throws {InputError} for any other answer; redirects are not followed: they might lead the signed message elsewhere
 */
export async function post(
  target: AlertTarget,
  message: AlertMessage,
  { fetch, signal }: { readonly fetch: typeof globalThis.fetch; readonly signal: AbortSignal },
): Promise<number> {
  const who = `${target.name} ${target.host}`
  const details = { target: target.name, host: target.host }
  let response: Response
  try {
    response = await fetch(target.url, {
      method: 'POST',
      ...target.request(message),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    })
  } catch (error) {
    signal.throwIfAborted()
    // The client's own words are "fetch failed"; the system's code is one level deeper.
    const { name, cause } = error as Error & { cause?: { code?: string; message?: string } }
    const reason = name === 'TimeoutError' ? `in ${PATIENCE / 1000} s` : `(${cause?.code ?? cause?.message ?? name})`
    throw new UnavailableError(`${who} did not answer ${reason}`, details)
  }
  // What it says besides is not read: it may be endless, and may repeat what it was sent.
  await response.body?.cancel()
  const { status, ok } = response
  if (ok) return status
  if (status === 429 || status >= 500) {
    throw new UnavailableError(`${who} answered ${status}`, { ...details, status })
  }
  const advice =
    status >= 300 && status < 400 ? 'redirects are not followed: give the final address' : 'check its address'
  throw new InputError(`${who} answered ${status}: ${advice}`, { ...details, status })
}
