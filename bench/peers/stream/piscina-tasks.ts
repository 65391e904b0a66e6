import { workerData } from 'piscina'
import { Books, type BooksOptions } from '../../loads/stream/books.ts'
import type { Report } from '../../loads/stream/receipts.ts'

const books = new Books(workerData as BooksOptions)

export default function apply(text: string): void {
  books.scanAny(text)
}

export function ready(): void {}

export function report(): Report {
  return books.report()
}
