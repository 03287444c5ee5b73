import { readFileSync } from 'node:fs'
import { type Document, isAlias, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { InputError } from '#data/errors.ts'
import { keyByPath, namesBelow } from './keys.ts'
import type { Entry, Layer } from './layer.ts'
import { nearest } from './nearest.ts'
import { secretAdvice } from './secrets.ts'

/** The file that is read when `--config` names no other. */
export const DEFAULT_FILE = 'millrace.yaml'

function readText(file: string, required: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !required) return undefined
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new InputError(`configuration file ${file} cannot be read: ${reason}`, { file }, error)
  }
}

/**
 * Reads a YAML file of settings.
 *
 * @param options.required whether it is an error that the file is absent.
 * @throws {InputError} naming file, line and key: no YAML, an unknown key (with the nearest known one), or a value
 *   where a group of settings belongs. Values are not checked here.
 */
export function readFileLayer(file: string, options: { readonly required: boolean }): Layer {
  const text = readText(file, options.required)
  if (text === undefined) return []
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const [problem] = document.errors
  if (problem) {
    const line = lineCounter.linePos(problem.pos[0]).line
    // The message goes on with a picture of the place; its first line says all.
    const words = problem.message.split('\n')[0].replace(/ at line \d+, column \d+:?$/, '')
    throw new InputError(`${file} line ${line}: ${words}`, { file, line }, problem)
  }
  const lineOf = (node: unknown) => lineCounter.linePos((node as Node | null)?.range?.[0] ?? 0).line
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return []
  return [...entriesOf(document.contents, '', { file, document, lineOf })]
}

interface Reading {
  readonly file: string
  readonly document: Document
  readonly lineOf: (node: unknown) => number
}

function* entriesOf(group: unknown, path: string, reading: Reading): Generator<Entry> {
  const { file, document, lineOf } = reading
  const fail = (node: unknown, words: string): never => {
    throw new InputError(`${file} line ${lineOf(node)}: ${words}`, { file, line: lineOf(node), key: path })
  }
  const map = isAlias(group) ? group.resolve(document) : group
  if (!isMap(map)) return fail(group, `${path || 'the file'} must be a mapping (name: value)`)
  for (const { key: keyNode, value } of map.items) {
    const name = String(isScalar(keyNode) ? keyNode.value : keyNode)
    const here = path === '' ? name : `${path}.${name}`
    const known = namesBelow(path)
    if (!known.includes(name)) {
      fail(keyNode, `unknown key "${here}"; ${secretAdvice(name) ?? `the nearest is "${nearest(name, known)}"`}`)
    }
    const node = value as Node | null
    const plain = node === null ? null : node.toJS(document)
    // A key that is left empty, as in a template, is not set.
    if (plain === null) continue
    if (!keyByPath.has(here)) yield* entriesOf(node, here, reading)
    else yield { path: here, value: plain, origin: { kind: 'file', file, line: lineOf(keyNode) } }
  }
}
