/** What a ledger can be written as. Apart from the writers, which the command line loads only when it needs them. */
export const EXPORT_FORMATS = ['csv', 'parquet', 'both'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
