import { expect, test } from 'vitest'
import { decimal, layOut } from '#cli/table.ts'

test('columns are aligned: numbers to the right, words to the left, nothing trailing', () => {
  const rows = [
    ['model', 'macro-F1', 'note'],
    ['cde', '0.54', ''],
    ['linear', '10.5', 'x'],
  ]
  expect(layOut(rows)).toBe('model   macro-F1  note\ncde         0.54\nlinear      10.5  x')
})

test('what is not known is a dash, not a number', () => {
  expect([decimal(0.5), decimal(Number.NaN), decimal(null), decimal(2, 0)]).toEqual(['0.500', '-', '-', '2'])
})
