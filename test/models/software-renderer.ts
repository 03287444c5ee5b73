import { existsSync } from 'node:fs'

/** Where Debian's chromium keeps SwiftShader, a Vulkan driver that needs no graphics card. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'

/**
 * Lets WebGPU run on SwiftShader where it is installed, unless the environment names a driver already.
 *
 * @returns whether a driver was named
 */
export function softwareRenderer(): { readonly vulkan: boolean } {
  if (!process.env.VK_DRIVER_FILES && existsSync(SWIFTSHADER)) process.env.VK_DRIVER_FILES = SWIFTSHADER
  return { vulkan: process.env.VK_DRIVER_FILES !== undefined }
}
