import { createL1ActionHash } from '@nktkas/hyperliquid/signing'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { addressOf, agentDigest } from '#src/live/signer.ts'

const Hex32 = z.string().regex(/^0x[0-9a-f]{1,64}$/)

/** The envelope of `/exchange` (Hyperliquid document, section 8.2): both ways of saying nothing are taken. */
export const SignedAction = z.object({
  action: z.looseObject({ type: z.string() }),
  nonce: z.int().nonnegative(),
  signature: z.object({ r: Hex32, s: Hex32, v: z.union([z.literal(27), z.literal(28)]) }),
  vaultAddress: z.string().nullish(),
  expiresAfter: z.int().nullish(),
})
export type SignedAction = z.infer<typeof SignedAction>

/** The address whose key has signed the action for `source`; some address or none where anything was changed. */
export function signerOf(
  { action, nonce, signature, expiresAfter }: SignedAction,
  source: 'a' | 'b',
): string | undefined {
  const hash = createL1ActionHash({ action, nonce, ...(expiresAfter != null && { expiresAfter }) })
  const word = (hex: string) => hex.slice(2).padStart(64, '0')
  const compact = hexToBytes(word(signature.r) + word(signature.s))
  try {
    const recovered = secp256k1.Signature.fromBytes(compact, 'compact').addRecoveryBit(signature.v - 27)
    return addressOf(recovered.recoverPublicKey(agentDigest(source, hash)).toBytes(false))
  } catch {
    // A signature that belongs to no point of the curve is nobody's.
    return undefined
  }
}
