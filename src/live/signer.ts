import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { InputError, MillraceError } from '#data/errors.ts'
import type { SigningKey } from './key.ts'

type Hex = `0x${string}`

/** Typed data as the exchange client asks to have it signed (EIP-712). */
interface TypedData {
  readonly domain: {
    readonly name: string
    readonly version: string
    readonly chainId: number
    readonly verifyingContract: string
  }
  readonly primaryType: string
  readonly message: Readonly<Record<string, unknown>>
}

/** What the exchange client takes for a local account. */
export interface Signer {
  /** Lower case. */
  readonly address: Hex
  signTypedData(data: TypedData): Promise<Hex>
}

const hashed = (text: string) => keccak_256(utf8ToBytes(text))
const word = (value: number) => hexToBytes(value.toString(16).padStart(64, '0'))

const DOMAIN = concatBytes(
  hashed('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
  hashed('Exchange'),
  hashed('1'),
  word(1337),
  word(0),
)
const AGENT_TYPE = hashed('Agent(string source,bytes32 connectionId)')

/**
 * The digest that is signed for an action of the exchange: EIP-712 of `Agent {source, connectionId}` in the domain
 * `Exchange`, chain 1337 (Hyperliquid document, section 8.2).
 *
 * @param source `a` mainnet, `b` testnet
 * @param connectionId hash of action, nonce, vault and expiry
 */
export function agentDigest(source: string, connectionId: Hex): Uint8Array {
  const message = concatBytes(AGENT_TYPE, hashed(source), hexToBytes(connectionId.slice(2)))
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), keccak_256(DOMAIN), keccak_256(message)))
}

/** The account of an uncompressed public key: the last 20 bytes of its hash. */
export function addressOf(publicKey: Uint8Array): Hex {
  return `0x${bytesToHex(keccak_256(publicKey.slice(1)).slice(-20))}`
}

/**
 * A signer that knows one form of message: trading actions. Transfers, withdrawals and approvals of other keys are typed
 * otherwise and are refused, whoever asks. It stands on `@noble/curves` (1.7 MB, what viem signs with) instead of viem
 * (79 MB with what it pulls in): one digest of a fixed form is all that is needed.
 *
 * @throws {InputError} where the key is none of the curve; what is wrong with it stays unsaid
 */
export function createSigner(key: SigningKey): Signer {
  if (!secp256k1.utils.isValidSecretKey(key.bytes())) throw new InputError('the signing key is not a key of secp256k1')
  return {
    address: addressOf(secp256k1.getPublicKey(key.bytes(), false)),
    async signTypedData({ domain, primaryType, message }) {
      const { source, connectionId } = message
      const trading =
        primaryType === 'Agent' &&
        domain.name === 'Exchange' &&
        domain.version === '1' &&
        domain.chainId === 1337 &&
        /^0x0{40}$/.test(domain.verifyingContract) &&
        (source === 'a' || source === 'b') &&
        typeof connectionId === 'string' &&
        /^0x[0-9a-f]{64}$/.test(connectionId)
      if (!trading) {
        throw new MillraceError(
          'fail-closed',
          `only trading actions are signed, not ${primaryType} of ${domain.name}`,
          {
            primaryType,
            domain: domain.name,
          },
        )
      }
      const digest = agentDigest(source, connectionId as Hex)
      const signature = secp256k1.sign(digest, key.bytes(), { prehash: false, format: 'recovered' })
      // Here the recovery bit comes first, on the wire it comes last, as 27 or 28.
      const recovery = (27 + signature[0]).toString(16)
      return `0x${bytesToHex(signature.slice(1))}${recovery}`
    },
  }
}
