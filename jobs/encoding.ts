import { InputError } from '#data/errors.ts'

/**
 * Numbers as base64 of their little-endian bytes: JSON has no NaN, and digits take three times the room.
 * Every platform that Node 24 supports with our native libraries is little-endian.
 */

/** @returns base64 of `4 * values.length` bytes */
export function encodeFloat32(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

/** @returns base64 of `8 * values.length` bytes */
export function encodeFloat64(values: Float64Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

/**
 * The numbers of {@link encodeFloat32}, NaN and signed zero included.
 *
 * @param length how many there must be; undefined: any whole number of them
 * @throws {InputError} naming `field` when the text is not base64 or holds another number of values
 */
export function decodeFloat32(text: string, field: string, length?: number): Float32Array {
  return new Float32Array(decodeBytes(text, field, Float32Array.BYTES_PER_ELEMENT, length))
}

/**
 * The numbers of {@link encodeFloat64}.
 *
 * @throws {InputError} as {@link decodeFloat32}
 */
export function decodeFloat64(text: string, field: string, length?: number): Float64Array {
  return new Float64Array(decodeBytes(text, field, Float64Array.BYTES_PER_ELEMENT, length))
}

function decodeBytes(text: string, field: string, size: number, length: number | undefined): ArrayBuffer {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const promised = (text.length / 4) * 3 - padding
  // Into memory of its own: small buffers share one pool at odd offsets, and typed arrays must be aligned.
  const bytes = text.length % 4 === 0 ? new ArrayBuffer(promised) : undefined
  // Buffer skips what is not base64: a text that decodes to fewer bytes than its length promises was damaged.
  if (bytes === undefined || Buffer.from(bytes).write(text, 'base64') !== promised) {
    throw new InputError(`${field} is not base64`, { field })
  }
  if (length === undefined ? promised % size !== 0 : promised !== length * size) {
    const expected = length === undefined ? `a multiple of ${size}` : `${length * size}`
    throw new InputError(`${field} holds ${promised} bytes, expected ${expected}`, { field, bytes: promised })
  }
  return bytes
}
