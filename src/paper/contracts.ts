import { InputError } from '#data/errors.ts'
import type { Instrument } from '#data/provider.ts'
import type { Contract, MarginTier } from '../venue/venue.ts'

const tier = (lowerBound: number, maxLeverage: number): MarginTier => ({ lowerBound, maxLeverage })

/** Coins of 10x that have more than one tier; where the second begins differs. */
const LARGE_10X =
  'AAVE ADA APT AVAX BCH CRV DOGE ENA FARTCOIN HYPE kBONK kPEPE LINK LTC NEAR PUMP SUI TRUMP UNI WLD ZEC'
const SMALL_10X = 'ARB BNB DOT JUP kSHIB MKR ONDO PAXG TON TRX XPL'

/**
 * Mainnet's margin tiers, as listed on 2026-09-24 (Hyperliquid document, sections 1.1 and 6). The test network's begin
 * at far smaller notionals and are not known here.
 */
const MAINNET: ReadonlyMap<string, readonly MarginTier[]> = new Map([
  ['BTC', [tier(0, 40), tier(150e6, 20)]],
  ['ETH', [tier(0, 25), tier(100e6, 15)]],
  ['SOL', [tier(0, 20), tier(70e6, 10)]],
  ['XRP', [tier(0, 20), tier(40e6, 10)]],
  ...LARGE_10X.split(' ').map((coin) => [coin, [tier(0, 10), tier(20e6, 5)]] as const),
  ...SMALL_10X.split(' ').map((coin) => [coin, [tier(0, 10), tier(3e6, 5)]] as const),
])

/** What the venue grants the least of its perpetuals (130 of 234 on 2026-09-24): the most cautious assumption. */
const LEAST_MAX_LEVERAGE = 3

/**
 * The contract of a coin: mainnet's margin tiers where it has several, one tier of what the venue grants otherwise, and
 * 3x where it says nothing. A venue that grants less than the list is believed in every tier, one that grants more is
 * not: what it asks of large positions is not known then.
 *
 * @param instrument what the provider says about the coin; undefined where it does not know it.
 * @param options decimals of a size where the venue states none.
 * @throws {InputError} where the maximum leverage is not a number of at least 1.
 */
export function contractOf(
  instrument: Instrument | undefined,
  coin: string,
  options: { readonly sizeDecimals: number },
): Contract {
  const { sizeDecimals = options.sizeDecimals, maxLeverage, strictlyIsolated } = instrument ?? {}
  if (maxLeverage !== undefined && !(maxLeverage >= 1 && Number.isFinite(maxLeverage))) {
    throw new InputError(`${coin}: the maximum leverage is ${maxLeverage}, and must be at least 1`, {
      coin,
      field: 'maxLeverage',
      value: maxLeverage,
    })
  }
  const listed = MAINNET.get(coin) ?? [tier(0, maxLeverage ?? LEAST_MAX_LEVERAGE)]
  return {
    coin,
    sizeDecimals,
    marginTiers: maxLeverage === undefined ? listed : capped(listed, maxLeverage),
    ...(strictlyIsolated === true ? { strictlyIsolated } : {}),
  }
}

/** Tiers with no more leverage than `most`; those that say no more than the one before are left out. */
function capped(tiers: readonly MarginTier[], most: number): MarginTier[] {
  return tiers
    .map(({ lowerBound, maxLeverage }) => tier(lowerBound, Math.min(maxLeverage, most)))
    .filter(({ maxLeverage }, n, all) => n === 0 || maxLeverage < all[n - 1].maxLeverage)
}
