import { InputError } from '#data/errors.ts'
import { type Account, applyToAccount, createAccount, roundSize } from '../account/account.ts'
import { checkStep } from '../graduation/transitions.ts'
import type { OrderStatus } from '../venue/order.ts'
import type { GraduationState, IntentEvent, LedgerEvent, Plan, ProtectionEvent } from './events.ts'
import { beforeFill, createHistory, type History, noteFill } from './history.ts'

/** An order as the ledger knows it. */
export interface LedgerOrder {
  readonly intent: IntentEvent
  /** `intended`: committed, and nothing heard from the venue yet. */
  status: 'intended' | OrderStatus
  /** Signed coins not filled yet. */
  remaining: number
  message: string | undefined
}

/** Everything that follows from the events; nothing but {@link applyEvent} may change it. */
export interface LedgerState {
  readonly account: Account
  /** Orders that are neither filled nor ended, by cloid, in the order of their intents. */
  readonly openOrders: Map<string, LedgerOrder>
  /** Plan of every open position. */
  readonly plans: Map<string, Plan>
  /** Closed trades and hourly equity. */
  readonly history: History
  /** Newest protection of each kind and scope, lifted and expired ones included; the key is `kind scope`. */
  readonly protections: Map<string, ProtectionEvent>
  /** Fusion weights as learned last; undefined before the first lesson. */
  weights: Readonly<Record<string, number>> | undefined
  /** Digest of the settings in force. */
  settings: string | undefined
  graduation: GraduationState
  /** Until when the venue has told everything, and the last round that was decided; undefined before the first. */
  advancedTo: number | undefined
  decidedAt: number | undefined
  /** Time of the last event, and how many there are. */
  time: number
  events: number
}

export function createLedgerState(): LedgerState {
  return {
    account: createAccount(),
    openOrders: new Map(),
    plans: new Map(),
    history: createHistory(),
    protections: new Map(),
    weights: undefined,
    settings: undefined,
    graduation: 'paper',
    advancedTo: undefined,
    decidedAt: undefined,
    time: Number.NEGATIVE_INFINITY,
    events: 0,
  }
}

/**
 * Carries out what an event means.
 *
 * @throws {InputError} where it contradicts what is there (back in time, an unknown order, a fill beyond its order, an
 *   amount that is not whole micro-dollars); the state is unchanged then.
 */
export function applyEvent(state: LedgerState, event: LedgerEvent): void {
  if (!(event.time >= state.time)) {
    throw contradiction(state, event, `is at ${event.time}, before the last event at ${state.time}`)
  }
  switch (event.kind) {
    case 'deposit':
    case 'funding':
    case 'mark':
    case 'leverage':
    case 'transfer':
      applyToAccount(state.account, event)
      break
    case 'fill':
      applyFill(state, event)
      break
    case 'intent':
      if (state.openOrders.has(event.order.cloid)) throw contradiction(state, event, `${event.order.cloid} is open`)
      state.openOrders.set(event.order.cloid, {
        intent: event,
        status: 'intended',
        remaining: event.order.size,
        message: undefined,
      })
      break
    case 'order':
      applyOrder(state, event)
      break
    case 'renewal': {
      const plan = state.plans.get(event.coin)
      if (plan === undefined) throw contradiction(state, event, `${event.coin} has no position to renew`)
      state.plans.set(event.coin, { ...plan, holdUntil: event.holdUntil })
      break
    }
    case 'round':
      state.decidedAt = event.time
      break
    case 'hour':
      state.advancedTo = event.time
      state.history.hours.push(event)
      break
    case 'protection':
      state.protections.set(`${event.protection} ${event.scope}`, event)
      break
    case 'weights':
      state.weights = event.weights
      break
    case 'settings':
      state.settings = event.digest
      break
    case 'graduation':
      if (event.from !== state.graduation) throw contradiction(state, event, `the state is ${state.graduation}`)
      checkStep(event)
      state.graduation = event.to
      break
    case 'liquidation':
      break
  }
  state.time = event.time
  state.events++
}

function applyFill(state: LedgerState, event: Extract<LedgerEvent, { kind: 'fill' }>): void {
  const order = state.openOrders.get(event.cloid)
  if (event.cloid !== LIQUIDATION) {
    if (order === undefined) throw contradiction(state, event, `no open order ${event.cloid}`)
    const fits = Math.sign(event.size) === Math.sign(order.remaining)
    if (!fits || Math.abs(event.size) > Math.abs(order.remaining) + 1e-9) {
      throw contradiction(state, event, `${event.size} does not fit what is left of the order, ${order.remaining}`)
    }
  }
  const before = beforeFill(state.account, event.coin)
  applyToAccount(state.account, event)
  noteFill(state.history, state.account, event, before, order?.intent.purpose)
  const after = state.account.holdings.get(event.coin)!.size
  if (order !== undefined) {
    order.remaining = roundSize(order.remaining - event.size)
    const { purpose } = order.intent
    if ('opens' in purpose && after !== 0 && Math.sign(after) !== Math.sign(before.size)) {
      state.plans.set(event.coin, purpose.opens)
    }
    if (order.remaining === 0) state.openOrders.delete(event.cloid)
  }
  if (after === 0) state.plans.delete(event.coin)
}

function applyOrder(state: LedgerState, event: Extract<LedgerEvent, { kind: 'order' }>): void {
  const order = state.openOrders.get(event.cloid)
  if (order === undefined) throw contradiction(state, event, `no open order ${event.cloid}`)
  if (event.status === 'open') {
    order.status = 'open'
    order.message = event.message
  } else state.openOrders.delete(event.cloid)
}

/** The cloid of fills that the venue makes when it liquidates. */
export const LIQUIDATION = 'liquidation'

function contradiction(state: LedgerState, event: LedgerEvent, words: string): InputError {
  const coin = 'coin' in event ? ` of ${event.coin}` : ''
  return new InputError(`ledger event ${state.events + 1}, ${event.kind}${coin}: ${words}`, {
    event: state.events + 1,
    kind: event.kind,
    time: event.time,
  })
}
