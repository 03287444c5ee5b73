import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '#src/ledger/canonical-json.ts'

describe('canonical JSON', () => {
  it('is the text of RFC 8785 for its examples', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27],
      string: '€$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    }
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
    // Keys by UTF-16 code units (section 3.2.3).
    const keys = { '€': 1, '\r': 2, '1': 3, '😀': 4, '\u0080': 5, ö: 6, '\ufb33': 7 }
    expect(Object.values(JSON.parse(canonicalJson(keys)))).toHaveLength(7)
    expect([...canonicalJson(keys).matchAll(/:(\d)/g)].map(([, n]) => Number(n))).toEqual([2, 3, 5, 6, 1, 4, 7])
  })

  it('does not depend on the order of keys, and reads back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
          expect(canonicalJson(Object.fromEntries(Object.entries(value).reverse()))).toBe(text)
        }
      }),
    )
  })

  it.each([
    [{ a: [1, Number.NaN] }, '$.a[1] is NaN'],
    [{ a: Number.POSITIVE_INFINITY }, '$.a is Infinity'],
    [{ a: 1n }, '$.a is bigint'],
    [{ a: new Map() }, '$.a is Map'],
    [[undefined], '$[0] is undefined'],
  ])('refuses what JSON cannot say: %o', (value, words) => expect(() => canonicalJson(value)).toThrow(words))
})
