import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { decodeFloat32, decodeFloat64, encodeFloat32, encodeFloat64 } from '#jobs/encoding.ts'

describe('numbers in job payloads', () => {
  it('come back bit for bit, NaN, infinities and signed zeros included', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 300 }), (values) => {
        expect(decodeFloat32(encodeFloat32(values), 'rows', values.length)).toEqual(values)
      }),
    )
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 300 }), (values) => {
        expect(decodeFloat64(encodeFloat64(values), 'asOf')).toEqual(values)
      }),
    )
    const special = Float32Array.of(Number.NaN, -0, 0, Number.NEGATIVE_INFINITY, 1e-45)
    expect(decodeFloat32(encodeFloat32(special), 'rows')).toEqual(special)
  })

  it('of a view are the numbers of the view and not of the memory behind it', () => {
    const view = Float64Array.of(1, 2, 3, 4).subarray(1, 3)
    expect(decodeFloat64(encodeFloat64(view), 'asOf')).toEqual(Float64Array.of(2, 3))
  })

  it('are refused in another number than expected', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 50 }), fc.nat(60), (values, length) => {
        fc.pre(length !== values.length)
        expect(() => decodeFloat32(encodeFloat32(values), 'rows', length)).toThrow(InputError)
      }),
    )
    expect(() => decodeFloat64(encodeFloat32(Float32Array.of(1)), 'asOf')).toThrow('asOf holds 4 bytes')
  })

  it('are refused when the text was damaged', () => {
    const text = encodeFloat32(Float32Array.of(1, 2, 3))
    for (const damaged of [text.slice(0, -1), `${text.slice(0, -1)}*`, `${text}\n`, text.replace('A', ' ')]) {
      expect(() => decodeFloat32(damaged, 'rows')).toThrow(InputError)
    }
  })
})
