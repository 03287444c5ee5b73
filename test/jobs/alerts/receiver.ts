import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request that a webhook got. */
export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly path: string
  readonly text: string
  /** What the body says, as far as tests look into it. */
  readonly body: {
    readonly id: string
    readonly status: string
    readonly alerts: readonly { readonly key: string; readonly status: string; readonly since: number }[]
  }
}

/** A webhook on this machine that answers with 200, or as it is told. */
export async function startReceiver() {
  const received: Received[] = []
  const receiver = { answer: (response: ServerResponse) => void response.end('thanks') }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    received.push({ headers: request.headers, path: request.url ?? '', text, body: JSON.parse(text) })
    receiver.answer(response)
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  await listen(0)
  onTestFinished(stop)
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/services/T0/planted-path-of-a-webhook?token=planted-token`
  /** Answers with a status from now on. */
  const answerWith = (status: number, headers: Record<string, string> = {}) => {
    receiver.answer = (response) => void response.writeHead(status, headers).end('planted-answer')
  }
  /** Takes what comes and never answers. */
  const hang = () => {
    receiver.answer = () => {}
  }
  return { received, url, answerWith, hang, stop, start: () => listen(port) }
}
