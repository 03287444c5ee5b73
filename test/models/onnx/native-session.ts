import { InferenceSession } from 'onnxruntime-node'

/** What every opened session inherits its methods from; the package's types call the class a factory. */
export const nativeSession = (InferenceSession as unknown as { readonly prototype: InferenceSession }).prototype
