import type { EChartsOption } from 'echarts'

/** A picture of the report, ready to be inlined. */
export interface Chart {
  /** Unique in the page; prefix of every id inside the picture. */
  readonly name: string
  readonly title: string
  /** What is to be seen and how to read it; may be empty. */
  readonly note: string
  /** A picture wider than a phone: the page lets it scroll there instead of shrinking it out of sight. */
  readonly wide: boolean
  readonly svg: string
}

/** What {@link renderChart} needs besides the option. */
export interface ChartPlan {
  readonly name: string
  readonly title: string
  readonly note?: string
  readonly size: { readonly width: number; readonly height: number }
  readonly option: EChartsOption
}

/** Draws a chart to SVG text without a browser. ECharts is loaded when the first report is written. */
export async function renderChart({ name, title, note = '', size, option }: ChartPlan): Promise<Chart> {
  const echarts = await import('echarts')
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size })
  try {
    chart.setOption(option)
    return {
      name,
      title,
      note,
      wide: size.width > 600,
      svg: tidySvg(chart.renderToSVGString(), name, title, size.width),
    }
  } finally {
    // An undisposed chart keeps the process alive.
    chart.dispose()
  }
}

/**
 * Makes ECharts' output fit to stand beside others in one page: ids that cannot collide and that are the same in
 * every run, no hover styles, coordinates to a tenth of a pixel, and a name for screen readers.
 */
export function tidySvg(svg: string, name: string, title: string, width: number): string {
  return svg
    .replace(/<style >[\s\S]*?<\/style>/g, '')
    .replace(/ class="zr\d+-cls-\d+"/g, '')
    .replace(/ (ecmeta_\w+|pointer-events)="[^"]*"/g, '')
    .replace(/\bzr\d+-/g, `${name}-`)
    .replace(/ d="([^"]+)"/g, (_, path: string) => ` d="${roundPath(path)}"`)
    .replace(/^<svg [^>]*viewBox="([^"]*)"[^>]*>/, (_, box: string) => {
      const attributes = `viewBox="${box}" role="img" aria-label="${escapeAttribute(title)}"`
      return `<svg xmlns="http://www.w3.org/2000/svg" ${attributes} style="max-width:${width * 1.15}px">`
    })
}

function roundPath(path: string): string {
  return path.replace(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number) * 10) / 10))
}

function escapeAttribute(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
