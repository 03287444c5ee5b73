/** What each gate asks, for people; a gate without words of its own is shown by its name. */
const WORDS: Readonly<Record<string, string>> = {
  signal: 'no scanner had a signal',
  regime: 'the regime was not known',
  conviction: 'too little conviction',
  edge: 'expected gain did not pay the round trip',
  'sign-flip': 'funding likely to turn before the costs are paid',
  'moving-average': 'too far on the wrong side of the moving average',
  efficiency: 'price moved too little for its path',
  'record-sharpe': 'own record: Sharpe ratio too low',
  'record-drawdown': 'own record: drawdown too deep',
  'record-win-rate': 'own record: too few winners',
  'coin-cap': 'no room under the cap of a coin',
  'side-cap': 'no room under the cap of a side',
  'gross-cap': 'no room under the gross cap',
  positions: 'as many positions as allowed',
  size: 'too small to be worth an order',
  period: 'the period was about to end',
  cooldown: 'the coin rested after a position',
  'losing-streak': 'a losing streak stopped openings',
  'coin-losses': 'the coin was locked after losses',
  drawdown: 'a drawdown stopped openings',
  lock: 'locked by hand',
}

const UNAVAILABLE = ' (unavailable)'

/** In words what a gate said, `gate (unavailable)` included. */
export function gateWords(gate: string): string {
  if (!gate.endsWith(UNAVAILABLE)) return WORDS[gate] ?? `${gate.replaceAll('-', ' ')} spoke against it`
  const name = gate.slice(0, -UNAVAILABLE.length)
  return `${WORDS[name] === undefined ? name : name.replaceAll('-', ' ')} could not be told`
}

/** The gate that speaks where there was nothing to decide. */
export const NO_SIGNAL = 'signal'
