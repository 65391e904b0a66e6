/** A folder of photos with some bad ones in it: were this wrong, one file would cost all the others, or leave half of one. */
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runsOf } from '../fixtures/examples/runs.ts'

let runs: ReturnType<typeof runsOf>
let images: string
let thumbnails: string
beforeEach(() => {
  runs = runsOf('thumbnails')
  images = join(runs.folder, 'images')
  thumbnails = join(runs.folder, 'thumbnails')
  mkdirSync(images)
})
afterEach(() => runs.clean())

/** Something that does not compress to nothing. */
function picture(width: number, height: number): Sharp {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
  return sharp({ create: { width, height, channels: 3, background: 'black', noise } })
}

function timesOf(names: readonly string[]): number[] {
  return names.map((name) => statSync(join(thumbnails, name)).ctimeMs)
}

describe('thumbnails', () => {
  test('are made of every image that can be read; what cannot is named, and a rerun makes only what is new', async () => {
    await picture(800, 600).jpeg().toFile(join(images, 'wide.jpg'))
    await picture(800, 600).withMetadata({ orientation: 6 }).jpeg().toFile(join(images, 'turned.JPEG'))
    await picture(300, 900).png().toFile(join(images, 'high.png'))
    await picture(40, 30).webp().toFile(join(images, 'small ünïcödé.webp'))
    copyFileSync(join(images, 'wide.jpg'), join(images, 'broken.jpg'))
    truncateSync(join(images, 'broken.jpg'), 5000)
    writeFileSync(join(images, 'text.png'), 'not an image')
    writeFileSync(join(images, 'notes.txt'), 'not an image, and does not say so')
    mkdirSync(join(images, 'folder.jpg'))
    mkdirSync(thumbnails)
    writeFileSync(join(thumbnails, '.thumbnail-wide.jpg.200.webp-1.part'), 'of a run that was killed')

    const first = runs.start('--size', '200', '--workers', '2', images, thumbnails)
    expect(await first.ended).toBe(1)
    expect(
      first
        .out()
        .match(/(?<=] ).*/g)
        ?.toSorted(),
    ).toEqual(['high.png: 67x200', 'small ünïcödé.webp: 40x30', 'turned.JPEG: 150x200', 'wide.jpg: 200x150'])
    expect(first.log()).toMatch(/^\[\d\/6\] error: broken\.jpg: .*premature end/m)
    expect(first.log()).toMatch(/^\[\d\/6\] error: text\.png: .*unsupported image format/m)
    expect(first.log()).toContain('4 made, 0 up to date, 2 failed; left out: 1 other files\n')
    const made = [
      'high.png.200.webp',
      'small ünïcödé.webp.200.webp',
      'turned.JPEG.200.webp',
      'wide.jpg.200.webp',
    ]
    expect(readdirSync(thumbnails).toSorted()).toEqual(made)
    expect(await sharp(readFileSync(join(thumbnails, 'wide.jpg.200.webp'))).metadata()).toMatchObject({
      format: 'webp',
      width: 200,
      height: 150,
    })

    for (const bad of ['broken.jpg', 'text.png']) rmSync(join(images, bad))
    await picture(100, 50).png().toFile(join(images, 'high.png'))
    // An older picture put in the place of a newer one is a change, too.
    utimesSync(join(images, 'high.png'), 1_000_000_000.5, 1_000_000_000.5)
    const before = timesOf(made)
    const second = runs.start('--size', '200', images, thumbnails)
    expect(await second.ended).toBe(0)
    expect(second.out()).toMatch(/^\[\d\/4\] high\.png: 100x50\n$/)
    expect(second.log()).toContain('1 made, 3 up to date, 0 failed')
    expect(timesOf(made).slice(1)).toEqual(before.slice(1))

    const third = runs.start('--size', '20', images, thumbnails)
    expect(await third.ended).toBe(0)
    expect(third.log()).toContain('4 made, 0 up to date, 0 failed')
    expect(readdirSync(thumbnails)).toHaveLength(8)
  })

  test('are whole or not there after Ctrl-C, and the next run makes the rest', async () => {
    const names = Array.from({ length: 400 }, (_, n) => `${n}.jpg`)
    const [one, ...others] = names.map((name) => join(images, name))
    await picture(3000, 2000).jpeg().toFile(one!)
    for (const other of others) linkSync(one!, other)
    const first = runs.start('--workers', '2', images, thumbnails)
    await first.printed('[3/400]')
    first.child.kill('SIGINT')
    expect(await first.ended).toBe(1)
    expect(first.log()).toContain('stopped before all were made')
    expect(first.log()).not.toContain('error')
    const made = readdirSync(thumbnails)
    expect(made.length).toBeLessThan(400)
    expect(made.filter((name) => !/^\d+\.jpg\.320\.webp$/.test(name))).toEqual([])
    for (const name of made) {
      const { info } = await sharp(join(thumbnails, name)).raw().toBuffer({ resolveWithObject: true })
      expect(info).toMatchObject({ width: 320, height: 213 })
    }

    const isMade = (name: string): boolean => made.includes(`${name}.320.webp`)
    const missing = names.filter((name) => !isMade(name)).slice(0, 2)
    const kept = new Set([...names.filter(isMade).slice(0, 2), ...missing])
    for (const name of names) if (!kept.has(name)) rmSync(join(images, name))
    const second = runs.start(images, thumbnails)
    expect(await second.ended).toBe(0)
    expect(second.log()).toContain('2 made, 2 up to date, 0 failed')
  })

  test('are not made in the folder of the images, nor of a folder that is not there', async () => {
    const same = runs.start(images, join(images, '..', 'images'))
    const nowhere = runs.start('nowhere', thumbnails)
    expect(await same.ended).toBe(1)
    expect(same.log()).toMatch(/^error: expected THUMBNAILS to be another folder/)
    expect(await nowhere.ended).toBe(1)
    expect(nowhere.log()).toMatch(/^error: ENOENT: no such file or directory/)
    expect(readdirSync(runs.folder)).toEqual(['images'])
  })
})
