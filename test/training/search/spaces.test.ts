import { describe, expect, it } from 'vitest'
import { assemble, valueAt } from '#cli/config.ts'
import { createRandom } from '#data/random.ts'
import { assignmentFrom, checkSpace } from '#training/search/space.ts'
import { searches } from '#training/search/spaces.ts'
import { proposeEvenly } from '#training/search/tpe.ts'

describe.each(Object.entries(searches))('the space of the %s', (_, { space }) => {
  it('can be searched, and holds the defaults', () => {
    checkSpace(space)
    const { values } = assemble([])
    expect(assignmentFrom(space, (path) => valueAt(values, path))).toBeDefined()
  })

  it('holds nothing that the configuration refuses', () => {
    for (let seed = 0; seed < 50; seed++) {
      const proposed = Object.entries(proposeEvenly(space, createRandom(seed)))
      const layer = proposed.map(([path, value]) => ({ path, value, origin: { kind: 'flag', flag: path } as const }))
      const { values } = assemble([layer])
      for (const [path, value] of proposed) expect(valueAt(values, path)).toBe(value)
    }
  })
})
