import { describe, expect, it } from 'vitest'
import { capture, capturesOfAll } from '../../../src/topic/capture.ts'
import { checkTopic, parseFilter, shareFilter } from '../../../src/topic/topic-filter.ts'
import { TopicReader } from '../../../src/topic/topic-reader.ts'

describe('a topic filter', () => {
  it.each([
    ['sensors/{sensorId}/temperature', 'sensors/+/temperature'],
    ['+/a/#', '+/a/#'],
    ['/', '/'],
    ['a//b', 'a//b'],
    ['#', '#'],
    ['$SYS/#', '$SYS/#'],
  ])('%s is %s to MQTT', (filter, mqttFilter) => {
    expect(parseFilter(filter).mqttFilter).toBe(mqttFilter)
  })

  it.each([
    ['', 'it is empty'],
    ['a/#/b', "'#' must be the last level"],
    ['a+/b', `'+' and '#' must be a level of their own, not "a+"`],
    ['a/b#', `'+' and '#' must be a level of their own, not "b#"`],
    ['a\0b', 'it has a NUL in it'],
    ['a/\ud800', 'half of a surrogate pair'],
    ['a/x{id}', 'a parameter is a level of its own such as {sensorId}, not "x{id}"'],
    ['a/{}', 'a parameter is a level of its own'],
    ['a/{1}', 'a parameter is a level of its own'],
    ['{id}/{id}', 'the parameter {id} is there twice'],
    ['{rest}/#', `'#' is captured as "rest", and there is a parameter {rest} too`],
    ['{__proto__}', 'cannot have the name __proto__'],
    ['$share/group/a', 'a shared route is made by the option { shared: true }'],
    ['ä'.repeat(32_768), 'it has 65536 bytes, and MQTT allows 65535'],
    ['a/'.repeat(200), 'it has 201 levels, and at most 200 are allowed'],
  ])('%j is refused: %s', (filter, reason) => {
    expect(() => parseFilter(filter)).toThrow(reason)
    expect(() => parseFilter(filter)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: 'filter' }),
    )
  })

  it('may have as many bytes as MQTT allows', () => {
    expect(parseFilter('ä'.repeat(32_767)).levels).toHaveLength(1)
  })

  it('that is shared names the group', () => {
    expect(shareFilter('group', 'a/+')).toBe('$share/group/a/+')
    for (const group of ['', 'a/b', 'a+', '#', '\0'])
      expect(() => shareFilter(group, 'a')).toThrow('name of a group')
  })
})

it('a topic to publish to has no wildcards', () => {
  expect(checkTopic('a/b')).toBe('a/b')
  for (const topic of ['a/+', '#', '', 'a\0']) {
    expect(() => checkTopic(topic, 'deadLetter')).toThrow('expected deadLetter to be a topic')
  }
})

describe('parameters', () => {
  const captured = (filter: string, topic: string): unknown => {
    const { levels } = parseFilter(filter)
    return capture(capturesOfAll([levels])[0]!, topic, new TopicReader(levels.length))
  }

  it.each([
    ['sensors/{id}/{kind}', 'sensors/7/state', { id: '7', kind: 'state' }],
    ['{a}/+/{b}/#', 'x/y/z/1/2', { a: 'x', b: 'z', rest: '1/2' }],
    ['a/#', 'a', { rest: '' }],
    ['a/#', 'a/', { rest: '' }],
    ['#', '/a', { rest: '/a' }],
    ['{a}/{b}', '/', { a: '', b: '' }],
    ['{rest}/b', 'x/b', { rest: 'x' }],
    ['{ä}', 'x', undefined],
    ['{constructor}', 'ä😀', { constructor: 'ä😀' }],
    ['a/b', 'a/b', {}],
  ])('of %s in %s', (filter, topic, params) => {
    if (params === undefined) expect(() => captured(filter, topic)).toThrow('a parameter is')
    else expect({ ...(captured(filter, topic) as object) }).toEqual(params)
  })

  it('are right after the reader has read another topic', () => {
    const { levels } = parseFilter('a/{x}')
    const reader = new TopicReader(2)
    const [captures] = capturesOfAll([levels])
    reader.read('a/1')
    reader.read('longer/2/3')
    expect(capture(captures!, 'a/1', reader)).toEqual({ x: '1' })
  })
})
