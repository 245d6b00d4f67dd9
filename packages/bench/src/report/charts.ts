/**
 * Draws the results as SVG. The only file that imports echarts.
 *
 * Charts have no background, and their text follows the reader's light or dark preference.
 */
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Comparison, Results, Table } from '../result.ts';
import { spreadOf } from '../statistics.ts';
import { readable } from './numbers.ts';

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Readable on white and on black. */
const colors = { ours: '#2f81f7', theirs: '#8b949e', lines: ['#2f81f7', '#d29922', '#3fb950'] };
const ink = { light: '#1f2328', dark: '#e6edf3' };
const width = 920;
const rowHeight = 34;
const frameHeight = 110;
const nameWidth = 310;

/** Each chart as SVG, by its finding's id. */
export function chartsOf({ comparisons, tables }: Results): Map<string, string> {
  const charts = new Map<string, string>();
  for (const comparison of comparisons) {
    if (comparison.series.length > 1) charts.set(comparison.id, barsOf(comparison));
  }
  for (const table of tables) {
    if (table.id === 'scaling') charts.set(table.id, scalingOf(table));
    if (table.id === 'storage') charts.set(table.id, storageOf(table));
  }
  return charts;
}

/** Draws the medians, one bar per series. */
function barsOf({ title, unit, better, series }: Comparison): string {
  const bars = series.map(({ name, values }) => ({ name, value: spreadOf(values).median }));
  return drawBars(title, `${unit}, median of the rounds; ${better} is better`, bars);
}

function storageOf({ title, rows }: Table): string {
  const bars = rows.map(([name, bytes]) => ({ name: String(name), value: Number(bytes) }));
  return drawBars(title, 'bytes; lower is better', bars);
}

function drawBars(
  title: string,
  subtitle: string,
  bars: readonly { readonly name: string; readonly value: number }[],
): string {
  return draw(frameHeight + bars.length * rowHeight, {
    title: titleOption(title, subtitle),
    grid: { left: nameWidth, right: 90, top: 70, bottom: 30 },
    xAxis: { type: 'value', axisLabel: { color: ink.light }, splitLine: { show: false } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ name }) => name),
      axisLabel: { color: ink.light, width: nameWidth - 20, overflow: 'break' },
    },
    series: [
      {
        type: 'bar',
        barWidth: 18,
        label: {
          show: true,
          position: 'right',
          color: ink.light,
          formatter: ({ value }: { value: number }) => readable(value),
        },
        data: bars.map(({ name, value }) => ({
          value,
          itemStyle: { color: name.startsWith('reto3') ? colors.ours : colors.theirs },
        })),
      },
    ],
  });
}

/** Requests per second over connections, one line per number of workers. */
function scalingOf({ title, rows }: Table): string {
  const points = rows.map(([workers, connections, rate]) => ({
    workers: String(workers),
    point: [Number(connections), Number(rate)],
  }));
  const names = [...new Set(points.map(({ workers }) => workers))];
  return draw(420, {
    title: titleOption(title, 'requests per second over connections (logarithmic)'),
    color: colors.lines,
    legend: { top: 12, right: 10, data: names.map(workersName), textStyle: { color: ink.light } },
    grid: { left: 90, right: 40, top: 90, bottom: 50 },
    xAxis: {
      type: 'log',
      name: 'connections',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { color: ink.light },
      axisLabel: { color: ink.light },
      splitLine: { show: false },
    },
    yAxis: { type: 'value', axisLabel: { color: ink.light }, splitLine: { show: false } },
    series: names.map((name) => ({
      type: 'line',
      name: workersName(name),
      data: points.filter(({ workers }) => workers === name).map(({ point }) => point),
    })),
  });
}

function workersName(count: string): string {
  return count === '1' ? '1 worker' : `${count} workers`;
}

function titleOption(text: string, subtext: string) {
  return {
    text,
    subtext,
    left: 10,
    textStyle: { color: ink.light, fontSize: 16 },
    subtextStyle: { color: ink.light },
  };
}

function draw(height: number, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, textStyle: { fontFamily: 'sans-serif' }, ...option });
  // Without its styles for hovering and without the numbers that it gives all charts of the process.
  const svg = chart
    .renderToSVGString()
    .replace(/<style ><!\[CDATA\[.*?\]\]>\s*<\/style>\n?/s, '')
    .replace(/ class="zr[^"]*"/g, '')
    .replace(/\bzr\d+-/g, 'zr-');
  chart.dispose();
  const style = `<style>@media (prefers-color-scheme: dark) { text { fill: ${ink.dark}; } }</style>`;
  return `${svg.replace(/(<svg[^>]*>)/, `$1\n${style}`)}\n`;
}
