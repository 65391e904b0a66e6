import { InvalidOptionError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Probed } from '../http/probe-answer.ts'
import { ProbeServer } from '../http/probe-server.ts'
import type { Address } from './address.ts'
import { wrongUsage } from './failure.ts'

/** @throws MillhandError naming the option when it cannot listen there. */
export async function openProbes(probed: Probed, at: Address, logger: Logger): Promise<ProbeServer> {
  const probes = new ProbeServer(probed, at)
  try {
    await probes.start()
  } catch (error) {
    throw error instanceof InvalidOptionError ? wrongUsage(`--probes: ${error.message}`) : error
  }
  logger.info({ url: probes.url }, `probes at ${probes.url}: /startup, /ready, /live`)
  return probes
}
