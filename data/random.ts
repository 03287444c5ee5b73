import { randomNormal } from 'd3-random'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** The one source of randomness: made from a seed, passed in, never global. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** Shuffles in place (Fisher-Yates). */
  shuffle(values: Uint32Array): void
  /** An independent stream named `label`: the same seed and label always give the same stream. */
  fork(label: string): Random
}

/** FNV-1a with a final avalanche: turns a text into 32 bits that differ in all places for near texts. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** A generator (xoroshiro128+) for `seed`, any integer. */
export function createRandom(seed: number): Random {
  const generator = xoroshiro128plus(hash(String(seed)))
  // A 32-bit seed fills a quarter of the 128-bit state: the first draws of near seeds are alike, so they are dropped.
  for (let i = 0; i < 32; i++) generator.next()
  const uniform = () => uniformFloat64(generator)
  const normal = randomNormal.source(uniform)(0, 1)
  const integer = (bound: number) => Math.floor(uniform() * bound)
  return {
    uniform,
    normal,
    integer,
    shuffle(values) {
      for (let i = values.length - 1; i > 0; i--) {
        const j = integer(i + 1)
        const swapped = values[i]
        values[i] = values[j]
        values[j] = swapped
      }
    },
    fork: (label) => createRandom(hash(`${seed}/${label}`)),
  }
}
