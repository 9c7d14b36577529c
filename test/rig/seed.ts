/**
 * What the suite draws from: the same each time, since what a new seed finds is no fault of the change at hand. New ones
 * are drawn by `npm run test:deep`, or here with TEST_SEED.
 */
export const SEED = Number(process.env.TEST_SEED ?? 20260101)
