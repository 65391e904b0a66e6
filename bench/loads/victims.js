// Workers that are there to be ended, in a thread and in a process. JavaScript, as it would be deployed: stripping
// types in each new thread costs as much as starting it. Types are in victims.d.ts.
// BUILD of places.ts.
const { ProcessWorker, ThreadWorker } = await import(
  new URL('../../.tmp/bench/build/index.js', import.meta.url).href
)

export class ThreadVictim extends ThreadWorker {
  static module = import.meta.url

  main() {
    return live(this.signal, this.options)
  }

  receive(order) {
    obey(order)
  }
}

export class ProcessVictim extends ProcessWorker {
  static module = import.meta.url

  main() {
    return live(this.signal, this.options)
  }

  receive(order) {
    obey(order)
  }
}

function live(signal, { ignoresStop = false }) {
  return new Promise((resolve) => {
    if (!ignoresStop) signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function obey(order) {
  if (order === 'block') for (;;);
  if (order === 'exit') process.exit(1)
  setImmediate(() => {
    throw new Error('told to fail')
  })
}
