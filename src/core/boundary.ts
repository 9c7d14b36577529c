/** When a change of a config key takes effect; with its description, the meta data of the key in the schema. */
export type Boundary = 'tick' | 'claim' | 'restart'

export const tick = (description: string) => ({ description, boundary: 'tick' as Boundary })
export const claim = (description: string) => ({ description, boundary: 'claim' as Boundary })
export const restart = (description: string) => ({ description, boundary: 'restart' as Boundary })
