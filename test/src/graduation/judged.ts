import { GATE_NAMES, type Gate, type GateName } from '#src/graduation/gates.ts'

const DEMOTING: readonly GateName[] = ['drawdown', 'integrity', 'trailing sharpe']

/** All gates, passed but for those named. */
export function judged(...failed: readonly GateName[]): Gate[] {
  return GATE_NAMES.map((name) => ({
    name,
    passed: !failed.includes(name),
    figure: '1',
    threshold: '2',
    demotes: DEMOTING.includes(name),
  }))
}
