/** What the charts have in common: the page's font and colors, and days in words. */

const dayAndMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const fullDay = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** Gives charts the page's font. @param {() => void} redraw Called when the colors change. */
export function chartTheme(redraw) {
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

/** A color of the style sheet, such as "--ink", as it is now. */
export function themeColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A day for an axis. @param {string} day As "2026-11-22". */
export const shortDay = (day) => dayAndMonth.format(noon(day));

/** A day for a heading. */
export const dayTitle = (day) => fullDay.format(noon(day));

function noon(day) {
  return new Date(`${day}T12:00:00Z`);
}
