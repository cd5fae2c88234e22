/** The chart: stacked bars of garments by class, one bar a day, the axis from zero. */

import { chartTheme, dayTitle, shortDay, themeColor } from "./chart_theme.js";
import { daysBetween, SIDES } from "./trend_counts.js";

export class TrendChart {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.last = null;
    chartTheme(() => this.last && this.draw(...this.last));
  }

  /**
   * @param {object} trends The API's reply. @param {"catalog"|"searches"} side
   * @param {object[]} rows Of `dailyCounts`.
   */
  draw(trends, side, rows) {
    this.last = [trends, side, rows];
    this.chart?.destroy();
    const days = daysBetween(trends.from, trends.to);
    this.canvas.setAttribute("aria-label", spoken(trends, side, rows));
    this.chart = new window.Chart(this.canvas, {
      type: "bar",
      data: { labels: days, datasets: rows.map((row, index) => series(row, index)) },
      options: options(days),
    });
  }
}

function series(row, index) {
  const color = themeColor(row.isOthers ? "--series-other" : `--series-${index + 1}`);
  return {
    label: row.name,
    data: row.counts,
    backgroundColor: color,
    borderColor: themeColor("--surface"),
    borderWidth: { top: 1 },
    maxBarThickness: 44,
  };
}

function options(days) {
  const ink = themeColor("--ink-soft");
  const line = themeColor("--line");
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    scales: {
      x: {
        stacked: true,
        grid: { display: false },
        border: { color: line },
        ticks: {
          color: ink,
          maxRotation: 0,
          autoSkipPadding: 14,
          callback: (_, day) => shortDay(days[day]),
        },
      },
      y: {
        stacked: true,
        beginAtZero: true,
        grid: { color: line },
        border: { display: false },
        ticks: { color: ink, precision: 0 },
        title: { display: true, text: "garments per day", color: ink },
      },
    },
    plugins: {
      legend: { position: "bottom", labels: { color: themeColor("--ink"), boxWidth: 12, boxHeight: 12, padding: 12 } },
      tooltip: {
        filter: (item) => item.raw > 0,
        itemSort: (one, other) => other.raw - one.raw,
        callbacks: { title: ([item]) => (item ? dayTitle(days[item.dataIndex]) : "") },
      },
    },
  };
}

/** What the chart shows, for people who cannot see it; the numbers are in the table below it. */
function spoken(trends, side, rows) {
  const classes = rows.map((row) => `${row.name} ${row.total}`).join(", ");
  const period = `from ${trends.from} to ${trends.to}`;
  return `${SIDES[side].title} ${period}, by class: ${classes}. The table below has the totals.`;
}
