/** Turns a cell into what a reader sees; what could not be measured is a dash, never an empty cell. */
export type Format = (value: string | number) => string

const MISSING = '–'

function ofNumber(format: (value: number) => string): Format {
  return (value) => {
    if (typeof value === 'string') return value
    return Number.isFinite(value) ? format(value) : MISSING
  }
}

export const text: Format = (value) => (value === '' ? MISSING : String(value))
/** 12,345 */
export const count = ofNumber((value) => Math.round(value).toLocaleString('en-US'))
/** 0.543: three places, as F1 and log-loss are compared. */
export const score = ofNumber((value) => value.toFixed(3))
/** +0.012 or −0.012, with a true minus. */
export const signed = ofNumber((value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`)
/** 41.2 % */
export const share = ofNumber((value) => `${(value * 100).toFixed(1)} %`)
/** 3.4 */
export const decimal = ofNumber((value) => value.toFixed(1))
/** 2.1e-7 */
export const scientific = ofNumber((value) => value.toExponential(1))
/** −12.34 with a true minus and thousands separators; USD. */
export const usd = ofNumber((value) => {
  const digits = Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  return value < 0 && digits !== '0.00' ? `−${digits}` : digits
})

/** 2025-04-01 13:00 UTC, from milliseconds. */
export function utcMinute(time: number): string {
  return Number.isFinite(time) ? `${utcIso(time)} UTC` : MISSING
}

/** 2025-04-01 13:00, for columns whose heading says UTC. */
export function utcIso(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString().slice(0, 16).replace('T', ' ') : ''
}

/** 2025-04-01 */
export function utcDay(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString().slice(0, 10) : MISSING
}

/** 850 ms, 12.3 s or 4 min 05 s. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return MISSING
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

/** How the models are called wherever people read. */
export function modelName(model: string): string {
  return { cde: 'Neural CDE', hmm: 'HMM', rule: 'Hand rule', linear: 'Linear' }[model] ?? model
}
