import type { Assignment, Value } from '../../search/space.ts'

/** The settings as flags that every command takes, one a line, ready to be pasted into a shell. */
export function asFlags(settings: Assignment): string {
  return Object.entries(settings)
    .map(([path, value]) => `--set ${path}=${brief(value)}`)
    .join(' \\\n')
}

/** The settings as a configuration file. */
export function asYaml(settings: Assignment): string {
  return lines(nested(settings), 0).join('\n')
}

type Tree = { [name: string]: Value | Tree }

function nested(settings: Assignment): Tree {
  const tree: Tree = {}
  for (const [path, value] of Object.entries(settings)) {
    const names = path.split('.')
    const last = names[names.length - 1]
    let group = tree
    for (const name of names.slice(0, -1)) {
      group[name] ??= {}
      group = group[name] as Tree
    }
    group[last] = value
  }
  return tree
}

function lines(tree: Tree, depth: number): string[] {
  const indent = '  '.repeat(depth)
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'object'
      ? [`${indent}${name}:`, ...lines(value, depth + 1)]
      : [`${indent}${name}: ${brief(value)}`],
  )
}

/** Four digits are more than a search can tell apart. */
export function brief(value: Value): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value)
}
