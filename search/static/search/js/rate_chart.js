/** The rates of searches day by day, as lines from 0 %; a day without searches is a gap. */

import { chartTheme, dayTitle, shortDay, themeColor } from "./chart_theme.js";
import { daysBetween } from "./trend_counts.js";
import { percent, ratesOf } from "./trend_rates.js";

const LINES = [
  { key: "no_match", label: "No good match", color: "--series-4" },
  { key: "click_through", label: "Clicked", color: "--series-1" },
  { key: "cart", label: "Put into the cart", color: "--series-2" },
  { key: "purchase", label: "Bought", color: "--series-3" },
];

export class RateChart {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.last = null;
    chartTheme(() => this.last && this.draw(this.last));
  }

  /** @param {object} trends The API's reply. */
  draw(trends) {
    this.last = trends;
    this.chart?.destroy();
    const days = daysBetween(trends.from, trends.to);
    const known = new Map(trends.rates.by_day.map((day) => [day.date, day]));
    this.canvas.setAttribute("aria-label", spoken(trends));
    this.chart = new window.Chart(this.canvas, {
      type: "line",
      data: { labels: days, datasets: linesOf(trends.rates).map((line) => series(line, days, known)) },
      options: options(days, known),
    });
  }
}

/** Lines of what is reported: a line of zeros would say that nobody clicks where nobody tells of clicks. */
function linesOf({ events }) {
  const isSilent = Object.values(events).every((count) => count === 0);
  return isSilent ? LINES.slice(0, 1) : LINES;
}

function series({ key, label, color }, days, known) {
  const shown = themeColor(color);
  return {
    label,
    data: days.map((day) => (known.has(day) ? ratesOf(known.get(day))[key] : null)),
    borderColor: shown,
    backgroundColor: shown,
    borderWidth: 2,
    pointRadius: 2.5,
    pointHoverRadius: 5,
    tension: 0,
    spanGaps: false,
    key,
  };
}

function options(days, known) {
  const ink = themeColor("--ink-soft");
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    scales: {
      x: {
        grid: { display: false },
        border: { color: themeColor("--line") },
        ticks: { color: ink, maxRotation: 0, autoSkipPadding: 14, callback: (_, day) => shortDay(days[day]) },
      },
      y: {
        beginAtZero: true,
        suggestedMax: 0.1,
        grid: { color: themeColor("--line") },
        border: { display: false },
        ticks: { color: ink, callback: (share) => `${Math.round(share * 1000) / 10}\u00a0%` },
        title: { display: true, text: "share of searches", color: ink },
      },
    },
    plugins: {
      legend: {
        position: "bottom",
        labels: { color: themeColor("--ink"), usePointStyle: true, pointStyle: "line", padding: 12 },
      },
      tooltip: {
        callbacks: {
          title: ([item]) => (item ? dayTitle(days[item.dataIndex]) : ""),
          label: ({ dataset, raw }) => `${dataset.label}: ${percent(raw)}`,
          footer: ([item]) => (item ? `${known.get(days[item.dataIndex])?.searches ?? 0} searches` : ""),
        },
      },
    },
  };
}

function spoken({ from, to, rates }) {
  const said = linesOf(rates).map(({ key, label }) => {
    const { rate } = rates[key];
    return `${label} ${rate === null ? "unknown" : percent(rate)}`;
  });
  return `Shares of searches by day from ${from} to ${to}; over the period: ${said.join(", ")}. The cards above say the same.`;
}
