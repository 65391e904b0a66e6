import type { StaleReason } from '../book.ts'

/** What the service itself tells the owner of a market, among the frames of the feed: why its books may be wrong. */
export type NoticeReason = Extract<StaleReason, 'lost' | 'disconnected' | 'unreadable'>

const REASONS: readonly NoticeReason[] = ['lost', 'disconnected', 'unreadable']
/** No JSON begins with it. */
const MARK = '!'

export function noticeText(reason: NoticeReason): string {
  return MARK + reason
}

/** Undefined for a frame of the feed. */
export function noticeOf(text: string): NoticeReason | undefined {
  return text.startsWith(MARK) ? REASONS.find((reason) => text === noticeText(reason)) : undefined
}
