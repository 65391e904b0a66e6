import { describe, expect, test } from 'vitest'
import { address } from '../../../src/cli/address.ts'

describe('an address to listen on', () => {
  test('is a port, with or without a host before it', () => {
    expect(address('8080')).toEqual({ port: 8080 })
    expect(address('0')).toEqual({ port: 0 })
    expect(address('0.0.0.0:8080')).toEqual({ host: '0.0.0.0', port: 8080 })
    expect(address('probes.local:65535')).toEqual({ host: 'probes.local', port: 65_535 })
    expect(address('[::1]:8080')).toEqual({ host: '::1', port: 8080 })
  })

  test.each([
    '',
    'localhost',
    ':8080',
    '::1:8080',
    '[::1]',
    '[localhost]:80',
    '127.0.0.1:',
    '65536',
    '-1',
    '80.5',
    'http://127.0.0.1:8080',
    '8080/ready',
  ])('is not %j', (text) => {
    expect(() => address(text)).toThrow('Expected a port, or an address such as 127.0.0.1:8080')
  })
})
