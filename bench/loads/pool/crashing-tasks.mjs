// Tasks of crashes.ts: each says that it has begun, and some take their thread down.

let begun

/** @param counts memory shared with the pool: how often each task was begun. */
export function setup(counts) {
  begun = new Int32Array(counts)
}

export function step(n, crash) {
  Atomics.add(begun, n, 1)
  if (crash === 'exit') process.exit(1)
  if (crash === 'throw') return fail()
  return n
}

function fail() {
  setImmediate(() => {
    throw new Error('told to fail')
  })
  return new Promise(() => {})
}
