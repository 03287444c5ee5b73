import { type ServerType, serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { timeout } from 'hono/timeout'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { InputError, MillraceError, UnavailableError } from '#data/errors.ts'
import { describeError } from '../failures.ts'
import { type Access, createAccess, onlyLoopbackNames, onlyOwnPages } from './access.ts'
import type { FleetQueues } from './broker-look.ts'
import { loginPage } from './login-page.ts'
import type { ProcessMetrics } from './metrics.ts'
import type { FleetStatus } from './status.ts'

/** Where an HTTP end listens. */
export interface Listening {
  /** `127.0.0.1` unless told otherwise. */
  readonly host?: string
  /** 0: any free one. */
  readonly port: number
  readonly logger: Logger
}

export interface HttpEnd {
  /** `http://127.0.0.1:9470` */
  readonly url: string
  close(): Promise<void>
}

export interface FleetHttpOptions extends Listening {
  readonly status: () => Promise<FleetStatus>
  /** Why the fleet is not ready; empty: it is. See `readiness.ts`. */
  readonly ready: () => Promise<readonly string[]>
  /** Metrics as they are to be exposed now. */
  readonly metrics: () => Promise<Registry>
  readonly queues: FleetQueues
  /** MILLRACE_TOKEN; without it there is no board and nothing can be changed. */
  readonly token?: string
}

const NO_TOKEN =
  'the board of queues is off: set MILLRACE_TOKEN (or MILLRACE_TOKEN_FILE) to a long random text, e.g. from `openssl rand -hex 24`, and start again'
/** What the board asks a broker that is gone would never be answered, milliseconds. */
const BOARD_PATIENCE = 10_000
const LARGEST_BODY = 1_000_000

/**
 * The HTTP end of the home process: `/healthz`, `/readyz`, `/metrics`, `/status` for all who reach it, and `/queues`
 * behind the token.
 *
 * @throws {InputError} where the token is too short
 * @throws {UnavailableError} where the port is taken
 */
export async function startHttp(options: FleetHttpOptions): Promise<HttpEnd> {
  const { status, ready, metrics, token } = options
  const access = token ? createAccess(token, Date.now) : undefined
  const app = createApp(options, { ready, metrics })
  app.get('/status', async (context) => context.json(await status()))
  addLogin(app, access)
  app.use('/queues/*', access?.needed ?? (async (context) => context.json({ error: NO_TOKEN }, 503)))
  if (access) {
    // Bull Board is loaded only where it is shown.
    const { createBoard } = await import('./board.ts')
    app.use('/queues/*', bodyLimit({ maxSize: LARGEST_BODY }), timeout(BOARD_PATIENCE))
    app.route('/queues', createBoard(options.queues, '/queues'))
  }
  return listen(app, options)
}

export interface WorkerHttpOptions extends Listening {
  readonly metrics: ProcessMetrics
  /** Why this worker takes no jobs now; empty: it does. */
  readonly ready: () => readonly string[]
}

/** The HTTP end of a worker process: `/healthz`, `/readyz`, `/metrics`. Nothing can be changed through it. */
export function startWorkerHttp(options: WorkerHttpOptions): Promise<HttpEnd> {
  const { ready, metrics } = options
  const app = createApp(options, { ready: async () => ready(), metrics: async () => metrics.registry })
  return listen(app, options)
}

/** What both kinds of process answer. */
function createApp(
  { host = LOCALHOST, logger }: Listening,
  { ready, metrics }: { ready: () => Promise<readonly string[]>; metrics: () => Promise<Registry> },
): Hono {
  const app = new Hono()
  if (isLoopback(host)) app.use(onlyLoopbackNames)
  app.use(
    secureHeaders({
      // The board has its style inline and asks for a font from elsewhere, which it does not get.
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
        formAction: ["'self'"],
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false,
    }),
    onlyOwnPages,
  )
  app.onError((error, context) => {
    if ('getResponse' in error) return (error as { getResponse(): Response }).getResponse()
    logger.error({ err: error, path: context.req.path }, `http: ${describeError(error)}`)
    return context.json({ error: error instanceof MillraceError ? error.message : 'see the log' }, 500)
  })
  app.get('/', (context) => context.text('millrace: /healthz /readyz /metrics /status /queues\n'))
  app.get('/healthz', (context) => context.json({ ok: true, pid: process.pid, uptimeSeconds: process.uptime() }))
  app.get('/readyz', async (context) => {
    const reasons = await ready()
    return context.json({ ready: reasons.length === 0, reasons }, reasons.length === 0 ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const registry = await metrics()
    return context.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType })
  })
  return app
}

function addLogin(app: Hono, access: Access | undefined): void {
  if (!access) {
    app.all('/login', (context) => context.json({ error: NO_TOKEN }, 503))
    return
  }
  app.get('/login', (context) => context.html(loginPage()))
  app.post('/login', bodyLimit({ maxSize: 10_000 }), async (context) => {
    const { token } = await context.req.parseBody()
    if (typeof token !== 'string' || !access.isToken(token)) {
      return context.html(loginPage('That is not the token.'), 401)
    }
    access.beginSession(context)
    return context.redirect('/queues', 303)
  })
}

const LOCALHOST = '127.0.0.1'

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** @throws {UnavailableError} where the port is taken; {InputError} where the address is none of this machine's */
function listen(app: Hono, { host = LOCALHOST, port }: Listening): Promise<HttpEnd> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (address) => {
      server.off('error', refuse)
      const name = host.includes(':') ? `[${host}]` : host
      resolve({ url: `http://${name}:${address.port}`, close: () => closeServer(server) })
    })
    const refuse = (error: NodeJS.ErrnoException) => {
      const place = `${host}:${port}`
      reject(
        error.code === 'EADDRINUSE'
          ? new UnavailableError(`${place} is in use by another process: set watch.port to another port`, {}, error)
          : new InputError(`cannot listen on ${place} (${error.code}): check watch.host and watch.port`, {}, error),
      )
    }
    server.once('error', refuse)
  })
}

function closeServer(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    // A scraper that keeps its connection must not keep us.
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
}
