import { UnavailableError } from './errors.ts'
import type { Provider } from './provider.ts'

/**
 * `provider` that asks nobody: wrapped in a store (`throughStore`), it gives what was stored before and nothing else.
 *
 * @param reason why it is not asked, in words that follow "because"
 */
export function storedOnly(provider: Provider, reason: string): Provider {
  const refuse = async (): Promise<never> => {
    throw new UnavailableError(`${provider.origin} was not asked: ${reason}`, { origin: provider.origin })
  }
  return { ...provider, universe: refuse, candles: refuse, funding: refuse, openInterest: refuse }
}
