import type { Reporter, TestModule } from 'vitest/node'

/** Prints what each fault did to millrace, one block a fault, after all of them: what `npm run chaos` ends with. */
export default function table(): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[]) {
      const lines: string[] = []
      for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
        const { state, errors } = test.result()
        const row = test.meta().chaos
        const held = state === 'passed' ? 'held' : state === 'failed' ? 'NOT HELD' : state
        lines.push(`${held.padEnd(9)} ${row?.fault ?? test.fullName}`)
        if (row?.done) lines.push(`          ${row.done}`)
        const figures = Object.entries(row?.figures ?? {}).map(([name, value]) => `${name} ${value}`)
        if (figures.length > 0) lines.push(`          ${figures.join(', ')}`)
        const broken = row?.broken.length ? row.broken : (errors ?? []).map(({ message }) => message)
        for (const words of broken) lines.push(`          not held: ${words.split('\n')[0]}`)
      }
      process.stdout.write(`\n${lines.join('\n')}\n`)
    },
  }
}
