import { expect, test } from 'vitest'
import { NO_FAULTS } from '../../../../examples/order-book/frames.ts'
import { Exchange } from '../../../../examples/order-book/replay/exchange.ts'
import { ReplayServer } from '../../../../examples/order-book/replay/replay-server.ts'

test('a replay does not end in the midst of a trade: its books are told, too', async () => {
  const exchange = new Exchange({ seed: 1, markets: 1, trades: 1 })
  const types: string[] = []
  const onFrame = (text: string): void => {
    types.push((JSON.parse(text) as { event_type: string }).event_type)
  }
  const replay = await ReplayServer.listen({ exchange, seed: 1, faults: NO_FAULTS, onFrame })
  await replay.play(1)
  expect(types).toEqual(['last_trade_price', 'book', 'book'])
  await replay.close()
})
