import * as tf from '@tensorflow/tfjs'

/**
 * Lets a kernel of a backend throw from its n-th call on, like one that finds no memory left.
 *
 * @returns puts the kernel back
 */
export function failFrom(call: number, backend: string, kernelName = 'BatchMatMul'): () => void {
  const kernel = tf.getKernel(kernelName, backend)
  if (!kernel) throw new Error(`the backend ${backend} has no kernel ${kernelName}`)
  let calls = 0
  const replace = (kernelFunc: tf.KernelFunc) => {
    tf.unregisterKernel(kernelName, backend)
    tf.registerKernel({ ...kernel, kernelFunc })
  }
  replace((inputs) => {
    if (++calls >= call) throw new Error('no memory is left for this product')
    return kernel.kernelFunc(inputs)
  })
  return () => replace(kernel.kernelFunc)
}
