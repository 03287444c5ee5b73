import { createHash, createHmac } from 'node:crypto'

// AWS Signature Version 4 as its documentation has it, written for the tests from that document alone:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

export interface SignedRequest {
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest()

/** RFC 3986: everything but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** The signature of a request, hexadecimal. */
export function signatureOf(
  request: SignedRequest,
  given: { readonly secret: string; readonly region: string; readonly signedHeaders: readonly string[] },
): string {
  const [path, query = ''] = request.url.split('?')
  const time = request.headers['x-amz-date']
  const parameters = query === '' ? [] : query.split('&').map((pair) => pair.split('=').map(decodeURIComponent))
  const canonical = [
    request.method,
    path
      .split('/')
      .map((part) => encode(decodeURIComponent(part)))
      .join('/'),
    parameters
      .map(([name, value = '']) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...given.signedHeaders.map((name) => `${name}:${request.headers[name].trim().replaceAll(/ +/g, ' ')}`),
    '',
    given.signedHeaders.join(';'),
    request.headers['x-amz-content-sha256'],
  ].join('\n')
  const scope = `${time.slice(0, 8)}/${given.region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${given.secret}`, time.slice(0, 8)), given.region))
  return hmac(key, text).toString('hex')
}

/** Headers that must be signed: the host, and all that mean something to the storage. */
const MEANINGFUL = /^(host|if-match|if-none-match|x-amz-.*)$/

/** What is wrong with a request, as S3 would say; undefined for one that is rightly signed. */
export function faultOf(
  request: SignedRequest,
  body: Uint8Array,
  keys: { readonly id: string; readonly secret: string; readonly token?: string },
  region: string,
): string | undefined {
  const authorization = request.headers.authorization ?? ''
  const [, id, date, scope, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? []
  if (id === undefined) return 'AccessDenied'
  if (id !== keys.id) return 'InvalidAccessKeyId'
  if (keys.token !== request.headers['x-amz-security-token']) return 'InvalidToken'
  if (scope !== `${region}/s3/aws4_request` || date !== request.headers['x-amz-date']?.slice(0, 8)) {
    return 'AuthorizationHeaderMalformed'
  }
  const signedHeaders = names.split(';')
  const unsigned = Object.keys(request.headers).filter((name) => MEANINGFUL.test(name) && !signedHeaders.includes(name))
  if (unsigned.length > 0) return 'AccessDenied'
  if (signature !== signatureOf(request, { secret: keys.secret, region, signedHeaders })) return 'SignatureDoesNotMatch'
  if (request.headers['x-amz-content-sha256'] !== sha256(body)) return 'XAmzContentSHA256Mismatch'
  return undefined
}
