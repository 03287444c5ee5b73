import { z } from 'zod'

/** Where versions and data sets are for those who have no folder in common. Keys to it are secrets: see `jobs/secrets.ts`. */
export const StoreOptions = z.strictObject({
  url: z
    .string()
    .regex(
      /^(s3:\/\/[^/\s?#@]+|file:\/\/\/|\/|\.)/,
      'must be a folder (/mnt/models, file:///mnt/models) or s3://bucket/prefix',
    )
    .optional()
    .describe('model store that workers on other machines share: a folder, or s3://bucket/prefix'),
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be http://host:port or https://host' })
    .refine((url) => new URL(url).username === '', { error: 'must hold no key: keys belong into the environment' })
    .optional()
    .describe("address of an S3-compatible storage that is not Amazon's"),
  region: z.string().min(1).default('us-east-1').describe('region that requests to the storage are signed for'),
})
export type StoreOptions = z.infer<typeof StoreOptions>
