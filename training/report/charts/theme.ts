import type { Regime } from '#models/regime.ts'

/**
 * Colours of Okabe and Ito ("Color Universal Design", 2008), which stay apart for every common kind of colour
 * blindness; grey for chop, the quiet regime.
 */
export const REGIME_COLOURS: Record<Regime, string> = { chop: '#747b85', trend: '#0072b2', reversal: '#d55e00' }

const MODEL_COLOURS: Record<string, string> = { cde: '#cc79a7', hmm: '#e69f00', rule: '#56b4e9', linear: '#009e73' }

/** Neutral inks. The page's style sheet swaps exactly these on a dark screen, so charts use no other neutral. */
export const INK = { text: '#22262d', muted: '#5c636e', line: '#c9ced6', grid: '#e7eaee', page: '#ffffff' } as const

/** Above and below zero, for funding and profit. */
export const SIGN_COLOURS = { positive: '#009e73', negative: '#d55e00' } as const

/** One accent for charts of one series. */
export const ACCENT = '#0072b2'

// Single quotes: ECharts puts the list into a style attribute as it is, where double quotes would end it.
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"

/** The model's colour in every chart; grey for one that has none of its own. */
export function modelColour(model: string): string {
  return MODEL_COLOURS[model] ?? '#8a9099'
}

/** Size of a chart that shares a row with another: on a phone it fills the width and stays legible. */
export const HALF = { width: 540, height: 340 } as const
/** Size of a chart that has a row of its own. */
export const FULL = { width: 1120, height: 420 } as const

/** Text in a chart. */
export const label = (size = 13, color: string = INK.muted) => ({ fontFamily: FONT, fontSize: size, color })

/** What every chart starts from. */
export function baseOption() {
  return {
    animation: false,
    useUTC: true,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: FONT, fontSize: 13, color: INK.muted },
  }
}

/** Legend at the top left, above the plot. */
export function legend(data?: readonly { name: string; icon?: string }[]) {
  return {
    left: 0,
    top: 0,
    padding: 0,
    icon: 'roundRect',
    itemWidth: 14,
    itemHeight: 10,
    itemGap: 16,
    textStyle: label(13, INK.text),
    ...(data && { data: [...data] }),
  }
}

/** Name of a vertical axis: above it, beginning at the left edge of a plot that starts at `left`. */
export const nameAbove = (left: number) => ({
  nameTextStyle: { ...label(12), align: 'left' as const, padding: [0, 0, 0, -left] },
})

/** A value axis with light grid lines and a name at its end. */
export function valueAxis(name: string, extra: Record<string, unknown> = {}) {
  return {
    type: 'value' as const,
    name,
    nameTextStyle: label(12),
    axisLabel: label(12),
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: INK.grid } },
    ...extra,
  }
}

/** An axis of names. */
export function categoryAxis(data: readonly string[], extra: Record<string, unknown> = {}) {
  return {
    type: 'category' as const,
    data: [...data],
    axisLabel: { ...label(13, INK.text), interval: 0 },
    axisLine: { lineStyle: { color: INK.line } },
    axisTick: { show: false },
    ...extra,
  }
}
