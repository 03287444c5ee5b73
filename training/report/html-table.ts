import type { ReportTable } from './tables.ts'

/** Texts up to this many letters stay on one line in a table. */
const SHORT = 24

/** A cell as the template shows it; `kind` is its class: number, short text that must not break, long text. */
interface HtmlCell {
  readonly text: string
  readonly kind: 'n' | 't' | 'long'
}

/** A table as the template `table.eta` takes it. */
export interface HtmlTable {
  readonly caption: string
  readonly head: readonly HtmlCell[]
  readonly body: readonly (readonly HtmlCell[])[]
}

/** Formats the cells of a table for a page. */
export function htmlTable(table: ReportTable, caption: string): HtmlTable {
  const kinds = table.header.map((_, k): HtmlCell['kind'] => {
    if (table.rows.some((row) => typeof row[k] === 'number')) return 'n'
    return table.rows.every((row) => String(row[k]).length <= SHORT) ? 't' : 'long'
  })
  return {
    caption,
    head: table.header.map(({ title }, k) => ({ text: title, kind: kinds[k] })),
    body: table.rows.map((row) => row.map((cell, k) => ({ text: table.header[k].format(cell), kind: kinds[k] }))),
  }
}
