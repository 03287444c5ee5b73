import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { PLANTED, seen } from './planted.ts'

const PROGRAM = fileURLToPath(new URL('./home.ts', import.meta.url))

/** Refuses everything and repeats what it was sent, as a proxy may: webhooks get 500, object storage 403. */
export async function startParrot(): Promise<{ readonly address: string; readonly heard: string[] }> {
  const heard: string[] = []
  const server = createServer(async (request, response) => {
    let text = `${request.method} ${request.url} ${JSON.stringify(request.headers)}\n`
    for await (const chunk of request) text += chunk
    heard.push(text)
    response.writeHead(request.method === 'POST' ? 500 : 403).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}

/** The environment of a process that is to have the planted secrets and nothing else of ours. */
export function plantedEnvironment(address: string, redisUrl?: string): Record<string, string> {
  const foreign = Object.entries(process.env).filter(([name]) => !/^(MILLRACE_|REDIS_|AWS_|VITEST|NODE_)/.test(name))
  return {
    ...(Object.fromEntries(foreign) as Record<string, string>),
    ...PLANTED,
    MILLRACE_ALERT_WEBHOOK_URL: address + PLANTED.MILLRACE_ALERT_WEBHOOK_URL,
    MILLRACE_ALERT_SLACK_URL: address + PLANTED.MILLRACE_ALERT_SLACK_URL,
    ...(redisUrl && { REDIS_URL: redisUrl }),
  }
}

/** What must hold on every broker when all fails, with words that hold every secret. Call inside `describe`. */
export function plantedSecretsBehaviour(redisUrl: () => string | undefined): void {
  test('no secret is in a log line, a job, a dead letter, a record or an alert, whoever shows it', async () => {
    const state = await mkdtemp(join(tmpdir(), 'millrace-planted-'))
    onTestFinished(() => rm(state, { recursive: true, force: true }))
    const parrot = await startParrot()
    const child = fork(PROGRAM, [state], {
      execArgv: [],
      env: { ...plantedEnvironment(parrot.address, redisUrl()), FIXTURE_REFUSES: parrot.address },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    let password = ''
    child.on('message', (message: { password: string }) => {
      password = message.password
    })
    const [code] = await once(child, 'close')
    if (process.env.LOG) process.stderr.write(output)
    const dump = await readFile(join(state, 'dump'), 'utf8')
    const records = openRecords(recordsFile(state))
    const kept = JSON.stringify([records.rounds(9), records.retrainings(9), records.alerts()])
    records.close()
    const bodies = parrot.heard.filter((text) => text.startsWith('POST')).map((text) => text.split('\n')[1])

    expect({ code, output: seen(output, password) }).toEqual({ code: 0, output: [] })
    expect(seen(dump, password)).toEqual([])
    expect(seen(kept, password)).toEqual([])
    expect(seen(bodies.join('\n'), password)).toEqual([])
    // All of it was there to be seen: whoever shows it was asked everywhere.
    const found = (text: string, words: readonly RegExp[]) => words.filter((each) => !each.test(text))
    expect(found(output, [/warning: \*\*\*/, /banner: /, /InputError: no entry: \*\*\*/, /all of it failed/])).toEqual(
      [],
    )
    expect(found(output, [/webhook 127.0.0.1:\d+ answered 500/, /slack 127.0.0.1:\d+ answered 500/])).toEqual([])
    expect(found(dump, [/no model with \*\*\*/, /no entry: \*\*\*/, /cause.{1,9}InputError: no entry/])).toEqual([])
    expect(found(kept, [/daily-step/, /daily-inference/, /daily-throw/, /daily-uncaught/, /daily-store/])).toEqual([])
    expect(found(kept, [/no model with \*\*\*/, /broker does not answer: \*\*\*/])).toEqual([])
    expect(bodies.length).toBeGreaterThanOrEqual(2)
  })
}
