import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { InputError } from '#data/errors.ts'

/** Who may look at the queues and change anything. */
export interface Access {
  /** Lets nobody pass without the token: as `Authorization: Bearer`, or by the cookie of a login. */
  readonly needed: MiddlewareHandler
  /** Whether this is the token; takes as long for any text. */
  isToken(text: string): boolean
  /** Gives the browser that asked a session, for which it needs no token. */
  beginSession(context: Context): void
}

const COOKIE = 'millrace_session'
/** How long a browser stays logged in, seconds. */
const SESSION = 12 * 3600
/** Sessions at a time; the oldest gives way. */
const MOST_SESSIONS = 100
const SHORTEST = 16

/** @throws {InputError} for a token that could be guessed */
export function createAccess(token: string, now: () => number): Access {
  if (token.length < SHORTEST) {
    throw new InputError(
      `MILLRACE_TOKEN must have at least ${SHORTEST} characters: \`openssl rand -hex 24\` makes a good one`,
    )
  }
  // Digests are of one length, and comparing them tells nothing of how much was right.
  const digest = sha256(token)
  const isToken = (text: string) => timingSafeEqual(sha256(text), digest)
  /** When each session ends, by the digest of its name. */
  const sessions = new Map<string, number>()

  const hasSession = (context: Context) => {
    const name = getCookie(context, COOKIE)
    const ends = name === undefined ? undefined : sessions.get(sha256(name).toString('hex'))
    return ends !== undefined && now() < ends
  }
  return {
    isToken,
    needed: async (context, next) => {
      const [, bearer] = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '') ?? []
      if (bearer !== undefined ? isToken(bearer) : hasSession(context)) return next()
      if (context.req.method === 'GET' && context.req.header('accept')?.includes('text/html')) {
        return context.redirect('/login')
      }
      context.header('WWW-Authenticate', 'Bearer realm="millrace"')
      return context.json({ error: 'a token is needed: send it as "Authorization: Bearer <MILLRACE_TOKEN>"' }, 401)
    },
    beginSession(context) {
      const name = randomBytes(32).toString('base64url')
      sessions.set(sha256(name).toString('hex'), now() + SESSION * 1000)
      for (const oldest of [...sessions.keys()].slice(0, -MOST_SESSIONS)) sessions.delete(oldest)
      setCookie(context, COOKIE, name, { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: SESSION })
    },
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Refuses requests that a web page elsewhere makes a browser send to the loopback, under a name of the page's own (DNS
 * rebinding).
 */
export const onlyLoopbackNames: MiddlewareHandler = async (context, next) => {
  const name = (context.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase()
  if (LOOPBACK.has(name)) return next()
  return context.text('this listens on the loopback: ask for it as localhost or 127.0.0.1\n', 421)
}

/** Refuses changes that a page of another origin asks for, whatever cookie the browser adds. */
export const onlyOwnPages: MiddlewareHandler = async (context, next) => {
  const { method } = context.req
  const site = context.req.header('sec-fetch-site')
  if (method === 'GET' || method === 'HEAD' || site === undefined || site === 'same-origin' || site === 'none') {
    return next()
  }
  return context.text('another page may not change anything here\n', 403)
}
