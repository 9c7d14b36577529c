/** The version of the package, put in by the build. */
declare const __MILLRACE_VERSION__: string | undefined

export const VERSION: string = typeof __MILLRACE_VERSION__ === 'undefined' ? '0.0.0-source' : __MILLRACE_VERSION__
