/** The eight coins that are looked at unless others are asked for (design section 5). */
export const coreCoins: readonly string[] = ['BTC', 'ETH', 'HYPE', 'SOL', 'DOGE', 'AVAX', 'LINK', 'UNI']
