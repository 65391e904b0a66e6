/** Charts as SVG. Vega draws without a browser and without native code. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { ProfileSlice } from '../case.ts'
import type { Result } from '../result.ts'
import { costOf, featureOf, pointsOf, shown } from './figures.ts'

const OWN = '#2563eb'
const OTHERS = '#a1a1aa'
const WIDTH = 520

const CONFIG = {
  background: 'white',
  font: 'sans-serif',
  view: { stroke: null },
  axis: {
    grid: true,
    gridColor: '#e4e4e7',
    domain: false,
    ticks: false,
    labelPadding: 6,
    titleFontWeight: 'normal',
  },
  title: { anchor: 'start', frame: 'group', fontSize: 13 },
  padding: 12,
} as const

async function svgOf(spec: object): Promise<string> {
  const { spec: compiled } = compile({ config: CONFIG, ...spec } as TopLevelSpec)
  return new View(parse(compiled), { renderer: 'none' }).toSVG()
}

/** The contenders of each case as bars, with the spread of their rounds. */
export function barCharts(results: readonly Result[]): Promise<string> {
  const charts = results
    .filter(({ unit }) => unit !== 'MiB')
    .map((result) => ({
      title: `${result.case}, ${result.unit}`,
      width: WIDTH,
      height: { step: 22 },
      data: { values: pointsOf(result) },
      encoding: { y: { field: 'name', type: 'nominal', sort: null, title: null, axis: { grid: false } } },
      layer: [
        {
          mark: { type: 'bar', height: 14 },
          encoding: {
            x: { field: 'value', type: 'quantitative', title: null, axis: { tickCount: 6 } },
            color: {
              field: 'own',
              type: 'nominal',
              scale: { domain: [true, false], range: [OWN, OTHERS] },
              legend: null,
            },
          },
        },
        spread('x'),
      ],
    }))
  return svgOf({ vconcat: charts, resolve: { scale: { x: 'independent' } } })
}

/** What each feature costs a job, in microseconds. */
export function costChart(results: readonly Result[]): Promise<string> {
  return svgOf({
    width: WIDTH,
    height: { step: 14 },
    data: { values: results.map((result) => ({ ...featureOf(result), cost: costOf(result) })) },
    mark: 'bar',
    encoding: {
      x: { field: 'cost', type: 'quantitative', title: 'microseconds a job, over the plain path' },
      y: { field: 'feature', type: 'nominal', sort: null, title: null, axis: { grid: false } },
      yOffset: { field: 'store' },
      color: { field: 'store', type: 'nominal', title: null, scale: { range: [OTHERS, OWN] } },
    },
  })
}

/** Jobs a second of each series, from its first point to its last. */
export function lineCharts(results: readonly Result[]): Promise<string> {
  return svgOf({
    columns: 2,
    concat: results.map((result) => ({
      title: result.case,
      width: WIDTH / 2 - 40,
      height: 160,
      data: { values: pointsOf(result) },
      encoding: {
        x: { field: 'name', type: 'ordinal', sort: null, title: null, axis: { grid: false, labelAngle: 0 } },
      },
      layer: [
        {
          mark: { type: 'line', point: true, color: OWN },
          encoding: {
            y: { field: 'value', type: 'quantitative', title: result.unit, scale: { zero: true } },
          },
        },
        spread('y'),
      ],
    })),
    resolve: { scale: { x: 'independent', y: 'independent' } },
  })
}

/** Where time goes, by file. */
export function shareChart(slices: readonly ProfileSlice[]): Promise<string> {
  return svgOf({
    width: WIDTH,
    height: { step: 18 },
    data: { values: shown(slices) },
    mark: { type: 'bar', color: OWN, height: 12 },
    encoding: {
      x: { field: 'share', type: 'quantitative', title: 'share of the time', axis: { format: '.0%' } },
      y: { field: 'place', type: 'nominal', sort: null, title: null, axis: { grid: false, labelLimit: 260 } },
    },
  })
}

/** A line from the smallest to the largest of the rounds. */
function spread(axis: 'x' | 'y'): object {
  return {
    mark: { type: 'rule', color: '#3f3f46' },
    encoding: { [axis]: { field: 'min', type: 'quantitative' }, [`${axis}2`]: { field: 'max' } },
  }
}
