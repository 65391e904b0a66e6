/** Each run has a client id and topics of its own, and ends its session: there is nothing to remove. */
export async function empty(url: string): Promise<string> {
  return url
}
