import { AwsV4Signer } from 'aws4fetch'
import { describe, expect, it } from 'vitest'
import { faultOf, type SignedRequest, signatureOf } from './signature-v4.ts'

// The examples that Amazon publishes with their signatures, all with the same keys and moment:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const ID = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const HOST = 'examplebucket.s3.amazonaws.com'
const time = { 'x-amz-date': '20130524T000000Z' }
const examples = [
  {
    name: 'a GET with a range',
    request: { method: 'GET', url: '/test.txt', headers: { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY } },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'a PUT of a name with a dollar',
    request: {
      method: 'PUT',
      url: '/test%24file.text',
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      },
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'a parameter without a value',
    request: { method: 'GET', url: '/?lifecycle', headers: { 'x-amz-content-sha256': EMPTY } },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'several parameters',
    request: { method: 'GET', url: '/?max-keys=2&prefix=J', headers: { 'x-amz-content-sha256': EMPTY } },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
].map(({ request, ...rest }) => {
  const headers: Record<string, string> = { ...(request.headers as object), ...time, host: HOST }
  return { ...rest, request: { ...request, headers } satisfies SignedRequest }
})

describe.each(examples)("Amazon's example: $name", ({ request, signature }) => {
  it('is signed by the stand-in as published', () => {
    const signedHeaders = Object.keys(request.headers).sort()
    expect(signatureOf(request, { secret: SECRET, region: 'us-east-1', signedHeaders })).toBe(signature)
  })

  it('is signed by the driver’s library as published', async () => {
    const { host: _, ...headers } = request.headers
    const url = `https://${HOST}${request.url}`
    const keys = { accessKeyId: ID, secretAccessKey: SECRET, service: 's3', region: 'us-east-1' }
    const signer = new AwsV4Signer({
      ...keys,
      method: request.method,
      url,
      headers,
      datetime: time['x-amz-date'],
      allHeaders: true,
    })
    expect(await signer.signature()).toBe(signature)
  })
})

it('refuses what was changed after it was signed', () => {
  const [{ request, signature }] = examples
  const credential = `Credential=${ID}/20130524/us-east-1/s3/aws4_request`
  const names = Object.keys(request.headers).sort().join(';')
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`
  const keys = { id: ID, secret: SECRET }
  const nothing = new Uint8Array()
  const signed = { ...request, headers: { ...request.headers, authorization } }
  expect(faultOf(signed, nothing, keys, 'us-east-1')).toBeUndefined()
  expect(faultOf({ ...signed, url: '/other.txt' }, nothing, keys, 'us-east-1')).toBe('SignatureDoesNotMatch')
  expect(faultOf(signed, Buffer.from('x'), keys, 'us-east-1')).toBe('XAmzContentSHA256Mismatch')
  const extra = { ...signed, headers: { ...signed.headers, 'if-none-match': '*' } }
  expect(faultOf(extra, nothing, keys, 'us-east-1')).toBe('AccessDenied')
})
