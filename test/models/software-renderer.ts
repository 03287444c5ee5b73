import { existsSync } from 'node:fs'

/** Where Debian's chromium keeps SwiftShader, a Vulkan driver that needs no graphics card. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'

/** Lets WebGPU run on SwiftShader where it is installed, unless the environment names a driver already. */
export function softwareRenderer(): void {
  if (!process.env.VK_DRIVER_FILES && existsSync(SWIFTSHADER)) process.env.VK_DRIVER_FILES = SWIFTSHADER
}
