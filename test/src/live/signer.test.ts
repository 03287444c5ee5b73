import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createL1ActionHash, signL1Action } from '@nktkas/hyperliquid/signing'
import { describe, expect, it } from 'vitest'
import { readSigningKey } from '#src/live/key.ts'
import { createSigner } from '#src/live/signer.ts'

// A published test key, worth nothing (Hyperliquid document, section 8.2).
const DIGITS = '0123456789012345678901234567890123456789012345678901234567890123'
const signer = createSigner(readSigningKey({ HYPERLIQUID_KEY: `0x${DIGITS}` }))

describe('signing, against the golden vectors', () => {
  it('has the address of the key', () => {
    expect(signer.address).toBe('0x14791697260e4c9a71f18484c9f997b308e59325')
  })

  it('hashes the order of the first vector', () => {
    const order = { a: 4, b: true, p: '1670.1', s: '0.0147', r: false, t: { limit: { tif: 'Ioc' } } }
    const action = { type: 'order', orders: [order], grouping: 'na' }
    expect(createL1ActionHash({ action, nonce: 1677777606040 })).toBe(
      '0x0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908',
    )
  })

  it('signs the order of the second', async () => {
    const order = { a: 1, b: true, p: '100', s: '100', r: false, t: { limit: { tif: 'Gtc' } } }
    const action = { type: 'order', orders: [order], grouping: 'na' }
    const signature = await signL1Action({ wallet: signer, action, nonce: 0 })
    expect(signature).toMatchObject({
      r: '0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e',
      v: 28,
    })
  })

  it('signs nothing but trading actions', async () => {
    const domain = { name: 'Exchange', version: '1', chainId: 1337, verifyingContract: `0x${'0'.repeat(40)}` }
    const message = { source: 'a', connectionId: `0x${'1'.repeat(64)}` }
    const asked = (change: object) =>
      signer.signTypedData({ domain, primaryType: 'Agent', message, ...change } as Parameters<
        typeof signer.signTypedData
      >[0])
    await expect(asked({})).resolves.toMatch(/^0x[0-9a-f]{130}$/)
    for (const change of [
      { primaryType: 'HyperliquidTransaction:Withdraw' },
      { domain: { ...domain, name: 'HyperliquidSignTransaction' } },
      { domain: { ...domain, chainId: 1 } },
      { message: { ...message, source: 'c' } },
      { message: { ...message, connectionId: '0x12' } },
    ]) {
      await expect(asked(change)).rejects.toMatchObject({ action: 'fail-closed' })
    }
  })
})

describe('the key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-key-'))
  const fileWith = (text: string, mode = 0o600) => {
    const path = join(folder, `key-${mode.toString(8)}-${text.length}`)
    writeFileSync(path, text)
    chmodSync(path, mode)
    return path
  }

  it('comes from a file or from the environment', () => {
    const path = fileWith(`${DIGITS}\n`)
    expect(createSigner(readSigningKey({ HYPERLIQUID_KEY_FILE: path })).address).toBe(signer.address)
  })

  it('is nowhere to be seen', () => {
    const key = readSigningKey({ HYPERLIQUID_KEY: DIGITS })
    const seen = [String(key), JSON.stringify({ key }), inspect(key, { depth: 9, showHidden: true }), inspect(signer)]
    seen.push(JSON.stringify(signer), inspect([key.bytes]))
    for (const text of seen) expect(text).not.toContain('0123456789')
    expect(inspect({ key })).toContain('***')
  })

  it('is not in what is said about a wrong one', () => {
    const wrong = `${DIGITS.slice(0, 63)}g`
    const beyond = 'f'.repeat(64)
    const attempts = [
      () => readSigningKey({ HYPERLIQUID_KEY: wrong }),
      () => readSigningKey({ HYPERLIQUID_KEY: `${DIGITS}0` }),
      () => readSigningKey({ HYPERLIQUID_KEY_FILE: fileWith(wrong) }),
      () => readSigningKey({ HYPERLIQUID_KEY_FILE: fileWith(DIGITS, 0o644) }),
      () => readSigningKey({ HYPERLIQUID_KEY_FILE: join(folder, 'absent') }),
      () => readSigningKey({ HYPERLIQUID_KEY_FILE: fileWith(DIGITS), HYPERLIQUID_KEY: DIGITS }),
      () => readSigningKey({}),
      () => createSigner(readSigningKey({ HYPERLIQUID_KEY: beyond })),
      () => createSigner(readSigningKey({ HYPERLIQUID_KEY: '0'.repeat(64) })),
    ]
    for (const attempt of attempts) {
      let said = ''
      try {
        attempt()
      } catch (error) {
        expect(error).toMatchObject({ action: 'fix-input' })
        said = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
      }
      expect(said).not.toBe('')
      expect(said).not.toContain('0123456789')
      expect(said).not.toContain(beyond)
    }
  })
})
