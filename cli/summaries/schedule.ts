import type { Schedule } from '#jobs/schedules.ts'
import { layOut } from '../table.ts'

const moment = (time: number | null) => (time === null ? '-' : `${new Date(time).toISOString().slice(0, 19)}Z`)

/** What a `schedule` command did or found, for people. */
export function describeSchedules(answer: object): string {
  if ('schedules' in answer) return describeList(answer.schedules as readonly Schedule[])
  const { schedule, job, paused } = answer as { schedule: string; job?: string; paused?: boolean }
  if (job !== undefined) return `${schedule} ticks now: job ${job}`
  return paused ? `${schedule} is paused: \`millrace schedule resume ${schedule}\` ends that` : `${schedule} runs again`
}

function describeList(schedules: readonly Schedule[]): string {
  const rows = schedules.map(({ schedule, known, pattern, next, paused, last }) => [
    schedule,
    known ? (paused ? 'paused' : 'on') : 'not put up: is a fleet running?',
    pattern,
    paused ? '-' : moment(next),
    last === null ? 'never yet' : `${moment(last.at)} ${last.ok ? '' : 'failed: '}${last.words}`,
  ])
  return layOut([['schedule', 'state', 'pattern (UTC)', 'next', 'last tick'], ...rows])
}
