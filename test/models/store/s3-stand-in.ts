import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { faultOf } from './signature-v4.ts'

/** How an answer goes wrong. */
export type S3Fault =
  | 'slow down'
  | 'internal error'
  | 'forbidden'
  | 'truncated'
  | 'wrong bytes'
  | 'hang'
  | 'reset'
  | 'conflict'
  | 'elsewhere'
  | 'skewed'
  /** The request takes effect, its answer is lost. */
  | 'lost answer'

/** Storage that keeps one bucket in memory, checks signatures, and misbehaves when asked to. */
export interface S3StandIn {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  /** By key; to be looked at and tampered with. */
  readonly objects: Map<string, Buffer>
  /** `METHOD key`, in order. */
  readonly requests: string[]
  /** The next answers go wrong so, one each; `undefined` for one that does not. */
  readonly faults: (S3Fault | undefined)[]
  /** All answers go wrong so while set. */
  always: S3Fault | undefined
  close(): Promise<void>
}

const STATUS: Partial<Record<S3Fault, readonly [number, string]>> = {
  'slow down': [503, 'SlowDown'],
  'internal error': [500, 'InternalError'],
  forbidden: [403, 'AccessDenied'],
  conflict: [409, 'ConditionalRequestConflict'],
  elsewhere: [301, 'PermanentRedirect'],
  skewed: [403, 'RequestTimeTooSkewed'],
}

export async function startS3(options: { readonly sessionToken?: string } = {}): Promise<S3StandIn> {
  const bucket = 'models'
  const region = 'eu-test-1'
  const keys = { accessKeyId: 'AKIDSTANDIN', secretAccessKey: 'secret/With+Signs=', ...options }
  const objects = new Map<string, Buffer>()
  const requests: string[] = []
  const faults: (S3Fault | undefined)[] = []
  const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray())
    const [, foundBucket, ...rest] = decodeURIComponent(request.url!).split('/')
    const key = rest.join('/')
    requests.push(`${request.method} ${key}`)
    const fail = (status: number, code: string) => {
      response.writeHead(status, { 'content-type': 'application/xml' })
      response.end(request.method === 'HEAD' ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
    }
    const headers = request.headers as Record<string, string>
    const signed = { method: request.method!, url: request.url!, headers }
    const { accessKeyId: id, secretAccessKey: secret, sessionToken: token } = keys
    const unsigned = faultOf(signed, body, { id, secret, token }, region)
    if (unsigned) return fail(unsigned === 'XAmzContentSHA256Mismatch' ? 400 : 403, unsigned)
    const fault = standIn.always ?? faults.shift()
    const status = fault && STATUS[fault]
    if (status) return fail(...status)
    if (fault === 'hang') return
    if (fault === 'reset') return request.socket.destroy()
    if (foundBucket !== bucket) return fail(404, 'NoSuchBucket')

    const there = objects.get(key)
    if (request.method === 'PUT') {
      if (headers['if-none-match'] === '*' && there) return fail(412, 'PreconditionFailed')
      if (headers['if-match'] !== undefined && !there) return fail(404, 'NoSuchKey')
      if (headers['if-match'] !== undefined && headers['if-match'] !== etagOf(there!))
        return fail(412, 'PreconditionFailed')
      objects.set(key, body)
      if (fault === 'lost answer') return request.socket.destroy()
      response.writeHead(200, { etag: etagOf(body) })
      return response.end()
    }
    if (!there) return fail(404, 'NoSuchKey')
    const etag = etagOf(there)
    if (headers['if-none-match'] === etag) {
      response.writeHead(304, { etag })
      return response.end()
    }
    response.writeHead(200, { etag, 'content-length': there.length })
    if (request.method === 'HEAD') return response.end()
    if (fault === 'truncated') {
      response.write(there.subarray(0, there.length >> 1), () => request.socket.destroy())
      return
    }
    response.end(fault === 'wrong bytes' ? Buffer.from(there).fill('?') : there)
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const standIn: S3StandIn = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    region,
    keys,
    objects,
    requests,
    faults,
    always: undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return standIn
}
