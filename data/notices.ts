import type { DataNotice } from './provider.ts'

/** Gathers notices until they are taken; a notice that is already waiting is not added again. */
export interface NoticeBook {
  add(notice: DataNotice): void
  /** Everything gathered since the last call, oldest first. */
  take(): DataNotice[]
}

/** An empty {@link NoticeBook}. */
export function createNoticeBook(): NoticeBook {
  const waiting = new Map<string, DataNotice>()
  return {
    add(notice) {
      const key = `${notice.coin}\n${notice.kind}\n${notice.message}`
      if (!waiting.has(key)) waiting.set(key, notice)
    },
    take() {
      const taken = [...waiting.values()]
      waiting.clear()
      return taken
    },
  }
}
