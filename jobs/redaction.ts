/** Puts {@link MASK} in the place of every secret in a text. */
export type Redactor = (text: string) => string

const MASK = '***'
/** A shorter secret stands in too many innocent words to be looked for by itself. */
export const SHORTEST = 6
/** A part of a path that is at least so long is taken for a token, as the last one of a Slack webhook is. */
const TOKEN = 16
/** The password of any URL, known or not: `scheme://user:password@`. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"'\\]*):[^\s@/"'\\]+@/gi
/** A query's parameter that carries a secret, by its name. */
const SECRET_PARAMETER = /pass|secret|token|key|sig/i

/**
 * Makes a {@link Redactor} of known secrets. It finds each as it is, escaped as in JSON, and percent-encoded; of a URL it
 * finds what is secret in it (password, secret parameters), and the password of a URL that nobody told it of.
 *
 * Meant for the last text before it leaves the process: a log line, the reason why a job failed, a line on stderr.
 */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const forms = new Set<string>()
  for (const secret of secrets) {
    for (const part of secretParts(secret)) for (const form of writings(part)) forms.add(form)
  }
  // The longest first: one secret may hold another.
  const known = [...forms].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length)
  const pattern = known.length > 0 ? new RegExp(known.map((form) => RegExp.escape(form)).join('|'), 'g') : undefined
  return (text) => {
    const masked = pattern ? text.replace(pattern, MASK) : text
    return masked.includes('://') ? masked.replace(URL_PASSWORD, `$1:${MASK}@`) : masked
  }
}

/** What is secret in a secret: all of it, but of a server's address only what a server's address hides. */
function secretParts(secret: string): string[] {
  if (!URL.canParse(secret) || !secret.includes('://')) return [secret]
  const url = new URL(secret)
  const parameters = [...url.searchParams].filter(([name]) => SECRET_PARAMETER.test(name)).map(([, value]) => value)
  const parts = [...parameters]
  // A password that is the name of its user or database (`postgres:postgres@`) is no secret, and stands in many lines.
  const innocent = [url.username, url.hostname, url.protocol.slice(0, -1), ...url.pathname.split('/')]
  if (url.password !== '' && !innocent.includes(url.password)) parts.push(url.password)
  // The address of a webhook is its secret: who knows the path may post.
  if (/^https?:$/.test(url.protocol)) {
    parts.push(
      secret,
      url.href,
      url.pathname + url.search,
      ...url.pathname.split('/').filter((part) => part.length >= TOKEN),
    )
  }
  return parts
}

/** How a secret may stand in a text. */
function writings(secret: string): string[] {
  const decoded = decode(secret)
  return [secret, decoded, encodeURIComponent(secret), encodeURIComponent(decoded)].flatMap((form) => {
    // A log line is JSON, and may hold the line of another process, and that the body of an answer.
    const forms = [form]
    for (let depth = 0; depth < 3; depth++) forms.push(JSON.stringify(forms[depth]).slice(1, -1))
    return forms
  })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone "%" is no encoding: the text is what it is.
    return text
  }
}

/** Takes the secrets out of an error's words in place: what it is, and who catches it, stays as it was. */
export function redactError(error: unknown, redact: Redactor): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? redact(error) : error
  const message = redact(error.message)
  const stack = error.stack === undefined ? undefined : redact(error.stack)
  if (message !== error.message) error.message = message
  if (stack !== error.stack) error.stack = stack
  return error
}
