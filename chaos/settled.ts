import type { Backend, Settlement, SettleResult } from 'millhand'

/** Tells of each job as soon as the store has acknowledged that it is done; else the backend is as it was. */
export function tellSettled(backend: Backend, tell: (id: string, token: string) => void): void {
  const settle = backend.settle.bind(backend)
  const exchange = backend.exchange.bind(backend)
  const look = (settlements: readonly Settlement[], results: readonly SettleResult[]): void => {
    for (const [index, { ref, outcome }] of settlements.entries()) {
      if (outcome.kind === 'done' && results[index]?.status === 'ok') tell(ref.id, ref.token)
    }
  }
  backend.settle = async (settlements) => {
    const results = await settle(settlements)
    look(settlements, results)
    return results
  }
  backend.exchange = async (settlements, request) => {
    const answer = await exchange(settlements, request)
    look(settlements, answer.settled)
    return answer
  }
}
