/**
 * `millhand/testing`: small things for tests of code that uses Millhand, with any test runner.
 *
 *     const clock = new FakeClock()
 *     const logger = captureLogger()
 *     const events = recordEvents(worker)
 *     await until(() => events.outcomes().length === 3, { what: 'three attempts to end' })
 */
export { FakeClock } from '../core/clock.ts'
export { captureLogger, type CapturedLine, type CapturingLogger } from './capture-logger.ts'
export { recordEvents, type EventRecord, type RecordedEvent } from './record-events.ts'
export { until, type UntilOptions } from './until.ts'
