import type { ServerResponse } from 'node:http'
import type { InfoRequest } from './info.ts'

/** Failures of the transport and refusals, as the real API shows them. */
export const REFUSALS = [
  '429 null',
  '500 null',
  '502 html',
  '422 text',
  '200 null',
  '200 html',
  'broken json',
  'cut body',
  'reset',
  'hang',
] as const

/** Right in form, wrong in content. */
export const GARBAGE = [
  'NaN text',
  'negative',
  'number for text',
  'missing field',
  'unordered',
  'repeated',
  'contradicting',
  'other coin',
] as const

export type FaultKind = (typeof REFUSALS)[number] | (typeof GARBAGE)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Answers that are spoilt before the exchange is well again; for ever unless given. */
  readonly times?: number
  /** Only requests of this type. */
  readonly type?: InfoRequest['type']
}

/** Switches for what goes wrong. */
export interface FaultSwitches {
  add(fault: Fault): void
  clear(): void
  /** The fault for a request of `type`, used up by one. */
  take(type: string): FaultKind | undefined
}

export function createFaults(): FaultSwitches {
  let waiting: { kind: FaultKind; left: number; type?: string }[] = []
  return {
    add: ({ kind, times = Number.POSITIVE_INFINITY, type }) => {
      waiting.push({ kind, left: times, type })
    },
    clear: () => {
      waiting = []
    },
    take(type) {
      const fault = waiting.find((one) => one.left > 0 && (one.type === undefined || one.type === type))
      if (fault !== undefined) fault.left--
      return fault?.kind
    },
  }
}

/** Sends the refusal `kind`; false when it is a fault of content, which {@link spoil} makes. */
export function refuse(kind: FaultKind, response: ServerResponse): boolean {
  const send = (status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type })
    response.end(body)
    return true
  }
  const html = '<html><head><title>502 Bad Gateway</title></head></html>'
  switch (kind) {
    case '429 null':
      return send(429, 'application/json', 'null')
    case '500 null':
      return send(500, 'application/json', 'null')
    case '502 html':
      return send(502, 'text/html', html)
    case '422 text':
      return send(422, 'text/plain', 'Failed to deserialize the JSON body into the target type')
    case '200 null':
      return send(200, 'application/json', 'null')
    case '200 html':
      return send(200, 'text/html', html)
    case 'broken json':
      return send(200, 'application/json', '[{"coin":')
    case 'cut body':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4000' })
      response.write('[{"coin":"BTC"', () => response.destroy())
      return true
    case 'reset':
      response.destroy()
      return true
    case 'hang':
      return true
    default:
      return false
  }
}

type Row = Record<string, unknown>

/** The rows of an answer, and the name of a number and of the coin in them. */
function rowsOf(type: InfoRequest['type'], body: unknown): { rows: Row[]; field: string; coin: string } {
  switch (type) {
    case 'candleSnapshot':
      return { rows: body as Row[], field: 'c', coin: 's' }
    case 'fundingHistory':
      return { rows: body as Row[], field: 'fundingRate', coin: 'coin' }
    case 'metaAndAssetCtxs':
      return { rows: (body as [unknown, Row[]])[1], field: 'openInterest', coin: 'name' }
    default:
      return { rows: (body as { universe?: Row[] }).universe ?? [], field: 'szDecimals', coin: 'name' }
  }
}

/** Makes the content fault `kind` in the middle of a right answer, in place. */
export function spoil(kind: FaultKind, type: InfoRequest['type'], body: unknown): void {
  const { rows, field, coin } = rowsOf(type, body)
  const middle = rows.length >> 1
  const row = rows[middle]
  if (row === undefined) return
  switch (kind) {
    case 'NaN text':
      row[field] = 'NaN'
      break
    case 'negative':
      // Funding may be negative, but not beyond the cap.
      row[field] = type === 'meta' ? -1 : '-5.0'
      break
    case 'number for text':
      row[field] = type === 'meta' ? '5' : 1.5
      break
    case 'missing field':
      delete row[field]
      break
    case 'unordered':
      rows.reverse()
      break
    case 'repeated':
      rows.splice(middle, 0, { ...row })
      break
    case 'contradicting':
      // In a candle the open is still between low and high.
      rows.splice(middle, 0, { ...row, [field]: field === 'c' ? row.o : '0.0123' })
      break
    case 'other coin':
      row[coin] = 'NOPE'
      break
  }
}
