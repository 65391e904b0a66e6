/** Another program at the file: holds its write lock until it is killed. */
import { DatabaseSync } from 'node:sqlite'

const tool = new DatabaseSync(process.argv[2]!, { timeout: 10_000 })
tool.exec('BEGIN IMMEDIATE')
process.send?.('locked')
setInterval(() => tool.isOpen, 1000)
