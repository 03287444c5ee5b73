import { z } from 'zod'

export const fraction = z.number().min(0).max(1)
export const hours = z.int().positive()
export const dollars = z.number().positive()
