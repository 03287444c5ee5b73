// The package brings types, but its export map keeps them from an ES module: the functions used are declared here.
declare module 'cephes' {
  export const compiled: Promise<void>
  export function ndtr(z: number): number
  export function ndtri(p: number): number
  export function chdtrc(degreesOfFreedom: number, x: number): number
  export function stdtr(degreesOfFreedom: number, t: number): number
  export function stdtri(degreesOfFreedom: number, p: number): number
}
