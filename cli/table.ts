/** A row of a table; numbers stand to the right. */
export type Row = readonly (string | number)[]

/**
 * Lays rows out in columns two spaces apart, without trailing blanks.
 *
 * @param rows all of one length; a column whose cells (but for the first row's) are all numbers or empty is
 *   aligned to the right.
 */
export function layOut(rows: readonly Row[]): string {
  const columns = rows[0]?.length ?? 0
  const cells = rows.map((row) => row.map(String))
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...cells.map((row) => row[c].length)))
  const numeric = widths.map(
    (_, c) => cells.length > 1 && cells.slice(1).every((row) => /^[-+$]?[\d.,]*( %)?$/.test(row[c])),
  )
  return cells
    .map((row) =>
      row
        .map((cell, c) => (numeric[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `value` with `decimals` decimals; `-` where it is not known. */
export function decimal(value: number | null | undefined, decimals = 3): string {
  return value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(decimals)
}

/** An ISO timestamp as far as the minute: `2025-04-01 12:00`. */
export function minute(timestamp: string): string {
  return timestamp.slice(0, 16).replace('T', ' ')
}
