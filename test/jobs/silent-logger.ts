import { pino } from 'pino'

/** For what is not tested: set `LOG=1` to see it. */
export const silentLogger = pino({ level: process.env.LOG ? 'debug' : 'silent' }, pino.destination(2))
