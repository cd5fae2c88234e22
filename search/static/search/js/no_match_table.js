/** Searched, not stocked: the classes shoppers look for without finding a good match, worst first. */

import { element } from "./dom.js";
import { className } from "./trend_counts.js";
import { interval, percent } from "./trend_rates.js";

/**
 * Rows of the classes with garments that found no good match.
 * @param {object} trends The API's reply.
 * @returns {object[]} `name`, `group`, `count`, `of`, `rate`, `low`, `high`, `catalog` (garments for sale in the period).
 */
export function noMatchRows({ rates, totals }) {
  const stocked = new Map(totals.map(({ category, catalog }) => [className(category), catalog]));
  return rates.no_match_by_category
    .filter(({ no_match: rate }) => rate.count > 0)
    .map(({ category, no_match: rate }) => ({
      name: className(category),
      group: category ? category.supercategory : "",
      catalog: stocked.get(className(category)) ?? 0,
      ...rate,
    }));
}

/** Fills the table's body. @param {HTMLTableElement} table @param {object[]} rows Of `noMatchRows`. */
export function showNoMatches(table, rows) {
  table.tBodies[0].replaceChildren(...rows.map(line));
}

function line(row) {
  const share = element("td", { class: "is-number" }, percent(row.rate));
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.name),
    element("td", { class: "is-group" }, row.group),
    element("td", { class: "is-number" }, String(row.of)),
    element("td", { class: "is-number" }, String(row.count)),
    share,
    element("td", { class: "is-number is-share" }, interval(row)),
    element("td", { class: "is-number" }, String(row.catalog)),
  );
}
