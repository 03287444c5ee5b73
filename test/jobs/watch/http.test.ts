import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { InputError, UnavailableError } from '#data/errors.ts'
import { FLEET_QUEUES } from '#jobs/fleet-queues.ts'
import { openRecords } from '#jobs/records.ts'
import type { FleetQueues } from '#jobs/watch/broker-look.ts'
import { type FleetHttpOptions, type HttpEnd, startHttp, startWorkerHttp } from '#jobs/watch/http.ts'
import { createFleetMetrics, createProcessMetrics } from '#jobs/watch/metrics.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { AS_OF, HEALTHY } from './sample.ts'

/** What the board takes for queues; it is tried with real ones in `watch-behaviour.ts`. */
const queues = Object.fromEntries(
  FLEET_QUEUES.map((name) => [name, { name, metaValues: { version: 'bullmq' } }]),
) as unknown as FleetQueues
const TOKEN = 'a-token-that-nobody-guesses'
let end: HttpEnd | undefined
afterEach(async () => {
  await end?.close()
  end = undefined
})

async function start(changes: Partial<FleetHttpOptions> = {}): Promise<HttpEnd> {
  const metrics = createFleetMetrics(AS_OF)
  const records = openRecords(':memory:')
  end = await startHttp({
    status: async () => HEALTHY,
    ready: async () => [],
    metrics: async () => {
      metrics.update(HEALTHY, records)
      return metrics.registry
    },
    queues,
    port: 0,
    logger,
    ...changes,
  })
  return end
}

/** `fetch` sets the header Host by itself: this lets a test choose it. */
function get(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

describe('the HTTP end of the home process', () => {
  it('says that it lives, whether it is ready, its metrics and its status', async () => {
    const { url } = await start({ ready: async () => ['the broker does not answer'] })
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const health = await fetch(`${url}/healthz`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ ok: true, pid: process.pid, uptimeSeconds: expect.any(Number) })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ ready: false, reasons: ['the broker does not answer'] })
    const metrics = await fetch(`${url}/metrics`)
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await metrics.text()).toContain('\nmillrace_ledger_equity_dollars 10250.5\n')
    expect(await (await fetch(`${url}/status`)).json()).toEqual(JSON.parse(JSON.stringify(HEALTHY)))
  })

  it('is ready with 200', async () => {
    const { url } = await start()
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  it('answers an error within with a word and keeps its details for the log', async () => {
    const { url } = await start({ status: () => Promise.reject(new Error('secret detail')) })
    const answer = await fetch(`${url}/status`)
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'see the log' }])
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('shows no board without a token, and says how to have one', async () => {
    const { url } = await start()
    for (const path of ['/queues', '/queues/', '/queues/api/queues', '/login']) {
      const answer = await fetch(`${url}${path}`)
      expect(answer.status).toBe(503)
      expect(await answer.text()).toContain('set MILLRACE_TOKEN')
    }
  })

  it('takes no token that can be guessed', async () => {
    await expect(start({ token: 'hunter2' })).rejects.toThrow(InputError)
    await expect(start({ token: 'hunter2' })).rejects.not.toThrow('hunter2')
  })

  it('answers a name that is not the loopback with nothing (DNS rebinding)', async () => {
    const { url } = await start()
    const { port } = new URL(url)
    for (const host of [`evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect(await get(`${url}/status`, { host })).toBe(421)
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect(await get(`${url}/status`, { host })).toBe(200)
    }
  })

  it('allows no other page anything: no CORS, no frame, no script from elsewhere', async () => {
    const { url } = await start()
    const { headers } = await fetch(`${url}/status`, { headers: { origin: 'https://evil.example' } })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/)
  })

  it('says that its port is taken', async () => {
    const first = await start()
    const port = Number(new URL(first.url).port)
    const second = startWorkerHttp({ metrics: createProcessMetrics(), ready: () => [], port, logger })
    await expect(second).rejects.toThrow(UnavailableError)
    await expect(second).rejects.toThrow(`127.0.0.1:${port} is in use`)
  })

  it('says that an address is none of this machine', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow(/192\.0\.2\.1:0 \(EADDRNOTAVAIL\): check watch\.host/)
  })
})

describe('the token', () => {
  const protectedPaths = [
    '/queues',
    '/queues/',
    '/queues/api/queues',
    '/queues/static/images/logo.svg',
    '/queues/x/../y',
  ]

  it('is needed for all of the board', async () => {
    const { url } = await start({ token: TOKEN })
    for (const path of protectedPaths) {
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${TOKEN}` }]) {
        const answer = await fetch(`${url}${path}`, { headers })
        expect([path, answer.status]).toEqual([path, 401])
        expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      }
    }
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE']) {
      expect((await fetch(`${url}/queues/api/queues/infer/empty`, { method })).status).toBe(401)
      expect((await fetch(`${url}/status`, { method })).status).toBe(404)
    }
    const authorization = `Bearer ${TOKEN}`
    expect((await fetch(`${url}/queues/static/images/logo.svg`, { headers: { authorization } })).status).toBe(200)
  })

  it('is asked for in a form, and a browser that gave it is known by a cookie that scripts and other pages cannot use', async () => {
    const { url } = await start({ token: TOKEN })
    const asked = await fetch(`${url}/queues`, { headers: { accept: 'text/html' }, redirect: 'manual' })
    expect([asked.status, asked.headers.get('location')]).toEqual([302, '/login'])
    expect(await (await fetch(`${url}/login`)).text()).toContain('name="token"')

    const login = (token: string) =>
      fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual' })
    const refused = await login('wrong')
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null])
    const accepted = await login(TOKEN)
    expect([accepted.status, accepted.headers.get('location')]).toEqual([303, '/queues'])
    const cookie = accepted.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    expect(cookie).not.toContain(TOKEN)

    const [session] = cookie.split(';')
    const logo = `${url}/queues/static/images/logo.svg`
    expect((await fetch(logo, { headers: { cookie: session } })).status).toBe(200)
    expect((await fetch(logo, { headers: { cookie: `${session}x` } })).status).toBe(401)
    // A wrong token beside a right cookie is a wrong token.
    expect((await fetch(logo, { headers: { cookie: session, authorization: 'Bearer wrong' } })).status).toBe(401)
    const foreign = { cookie: session, 'sec-fetch-site': 'cross-site' }
    const change = { method: 'PUT', headers: foreign }
    expect((await fetch(`${url}/queues/api/queues/infer/pause`, change)).status).toBe(403)
  })
})

describe('the HTTP end of a worker', () => {
  it('says that it lives, whether it takes jobs, and its metrics', async () => {
    const metrics = createProcessMetrics()
    metrics.jobSeconds.observe({ queue: 'infer', name: 'infer', outcome: 'completed' }, 0.2)
    let reasons: string[] = []
    end = await startWorkerHttp({ metrics, ready: () => reasons, port: 0, logger })
    expect((await fetch(`${end.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${end.url}/readyz`)).status).toBe(200)
    reasons = ['no worker runs here for infer']
    expect((await fetch(`${end.url}/readyz`)).status).toBe(503)
    const text = await (await fetch(`${end.url}/metrics`)).text()
    expect(text).toContain('millrace_job_seconds_count{queue="infer",name="infer",outcome="completed"} 1')
    expect(text).toContain('millrace_process_resident_memory_bytes')
    expect((await fetch(`${end.url}/queues`)).status).toBe(404)
  })
})
