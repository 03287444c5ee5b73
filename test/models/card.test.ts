import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { isVersionId, type ModelCard, parseCard, versionId } from '#models/card.ts'
import { cardContent, NOW } from './versions.ts'

function card(): ModelCard {
  const content = { schemaVersion: 1 as const, createdAt: NOW, ...cardContent('hmm'), files: {} }
  return { ...content, id: versionId(content) }
}

describe('a model card', () => {
  test('survives its own text', () => {
    expect(parseCard(JSON.stringify(card()), 'card.json')).toEqual(card())
  })

  test('has an id that does not depend on the order of its fields', () => {
    const reversed = Object.fromEntries(Object.entries(card()).reverse()) as unknown as ModelCard
    expect(versionId(reversed)).toBe(card().id)
  })

  test('has ids that sort like time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 4e12 }), (a, b) => {
        const [first, second] = [a, b].map((createdAt) => versionId({ ...card(), createdAt }))
        expect(isVersionId(first)).toBe(true)
        if (a !== b) expect(first < second).toBe(a < b)
      }),
    )
  })

  test('is refused wherever it was cut off', () => {
    const text = JSON.stringify(card())
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 1 }), (length) => {
        expect(() => parseCard(text.slice(0, length), 'card.json')).toThrow(ModelError)
      }),
    )
  })

  test('names the field that is wrong', () => {
    const wrong = { ...card(), parity: { maxAbsDiff: -1, windows: 1 } }
    expect(() => parseCard(JSON.stringify(wrong), 'here/card.json')).toThrow(/^here\/card\.json: parity\.maxAbsDiff/)
  })
})
