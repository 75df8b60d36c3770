/** Set by the build from package.json. */
declare const MK_VERSION: string | undefined

/** Version of this package. */
export const version: string = typeof MK_VERSION === 'undefined' ? '0.0.0-source' : MK_VERSION
