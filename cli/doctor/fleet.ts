import { existsSync } from 'node:fs'
import type { RetrainingRecord, RoundRecord } from '#jobs/records.ts'
import type { InForce } from '../config.ts'
import { minute } from '../table.ts'
import type { Probe } from './check.ts'

/** Records that are read to find the newest that ended. */
const NEWEST = 48

/** What the fleet of the state folder did last, from its records: whether it runs now or not. */
export function fleetProbe({ state }: InForce): Probe {
  return {
    name: 'fleet',
    async look() {
      const { openRecords, recordsFile } = await import('#jobs/records.ts')
      const { readUpAddress } = await import('#jobs/up-address.ts')
      const path = recordsFile(state)
      const up = await readUpAddress(state)
      const running = up === undefined ? 'none runs now' : `process ${up.pid} runs`
      if (!existsSync(path)) return { finding: 'ok', text: `${running}, and none has run here yet`, details: { path } }
      const records = openRecords(path)
      try {
        const round = records.rounds(NEWEST).find(({ endedAt }) => endedAt !== null)
        const retraining = records.retrainings(NEWEST).find(({ ok }) => ok !== null)
        const integrity = brokenLedger(records.note('integrity'))
        const wrong = [roundFault(round), retraining?.ok === false, integrity !== undefined].some(Boolean)
        const parts = [running, roundWords(round), retrainingWords(retraining), ...(integrity ? [integrity] : [])]
        return {
          finding: wrong ? 'note' : 'ok',
          text: parts.join('; '),
          advice: wrong ? adviceFor(integrity, retraining) : undefined,
          details: { path, pid: up?.pid, round, retraining },
        }
      } finally {
        records.close()
      }
    },
  }
}

function roundFault(round: RoundRecord | undefined): boolean {
  return round !== undefined && (round.state === 'failed' || round.degraded.length > 0)
}

function roundWords(round: RoundRecord | undefined): string {
  if (round === undefined) return 'no round has ended yet'
  const { asOf, state, degraded, model, words } = round
  const said = [...degraded, ...(words ? [words] : [])]
  const how = state === 'done' ? (degraded.length > 0 ? 'degraded' : 'healthy') : state
  const served = model === null ? '' : model === 'none' ? ', no estimates' : `, ${model} served`
  const when = minute(new Date(asOf).toISOString())
  return `last round ${when} ${how}${served}${said.length > 0 ? ` (${said.join('; ')})` : ''}`
}

function retrainingWords(retraining: RetrainingRecord | undefined): string {
  if (retraining === undefined) return 'no retraining has ended yet'
  const { flow, ok, words } = retraining
  return `last retraining ${flow} ${ok ? 'ended well' : 'failed'}: ${words}`
}

/** What the last check of the ledger found; undefined where it was intact, or has not been checked. */
function brokenLedger(note: string | undefined): string | undefined {
  if (note === undefined) return undefined
  const { intact, words } = JSON.parse(note) as { intact: boolean; words?: string }
  return intact ? undefined : `the ledger is broken: ${words ?? ''}`
}

function adviceFor(integrity: string | undefined, retraining: RetrainingRecord | undefined): string {
  if (integrity !== undefined) return '`millrace integrity` names the first event that is wrong'
  if (retraining?.ok === false) return '`millrace dead list` shows what failed for good'
  return '`millrace status` shows how the fleet is now'
}
