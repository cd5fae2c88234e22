/** The table of totals by class, sortable by each column, and the same table as CSV. */

import { csvOf } from "./csv.js";
import { element } from "./dom.js";
import { className, sumOf } from "./trend_counts.js";

const share = (value) => `${(value * 100).toFixed(1)}\u00a0%`;

const COLUMNS = [
  { key: "name", title: "Class", first: "ascending" },
  { key: "group", title: "Group", css: "is-group", first: "ascending" },
  { key: "catalog", title: "Catalog garments", css: "is-number", first: "descending" },
  {
    key: "catalogShare",
    title: "Share",
    css: "is-number is-share",
    first: "descending",
    show: share,
    of: "of catalog garments",
  },
  { key: "searches", title: "Searched garments", css: "is-number", first: "descending" },
  {
    key: "searchesShare",
    title: "Share",
    css: "is-number is-share",
    first: "descending",
    show: share,
    of: "of searched garments",
  },
];

export class TrendTable {
  /** @param {HTMLTableElement} table Empty, with thead, tbody and tfoot. */
  constructor(table) {
    this.table = table;
    this.rows = [];
    this.sortBy("catalog", "descending");
  }

  /** @param {object[]} rows Of `totalRows`. */
  show(rows) {
    this.rows = rows;
    this.#render();
  }

  /** @param {string} key A column's. @param {"ascending"|"descending"} direction */
  sortBy(key, direction) {
    this.order = { key, direction };
    this.#render();
  }

  /**
   * The rows as shown, in their order, each with what its counts are of.
   * @param {{from: string, to: string, retailer: string|null, model_versions: string[], rates: object}} trends The
   *   API's reply.
   */
  csv(trends) {
    const header = [
      "class",
      "group",
      "catalog_garments",
      "catalog_share",
      "searched_garments",
      "searched_share",
      "judged_garments",
      "no_match_garments",
      "no_match_rate",
      "no_match_low",
      "no_match_high",
      "from",
      "to",
      "retailer",
      "model_versions",
    ];
    const frame = [trends.from, trends.to, trends.retailer ?? "all", trends.model_versions.join(" ")];
    const unmatched = new Map(
      trends.rates.no_match_by_category.map(({ category, no_match: rate }) => [className(category), rate]),
    );
    const rows = this.#sorted().map((row) => [
      row.name,
      row.group,
      row.catalog,
      row.catalogShare.toFixed(4),
      row.searches,
      row.searchesShare.toFixed(4),
      ...noMatchCells(unmatched.get(row.name)),
      ...frame,
    ]);
    return csvOf([header, ...rows]);
  }

  #sorted() {
    const { key, direction } = this.order;
    const sign = direction === "ascending" ? 1 : -1;
    const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other) : one - other);
    return [...this.rows].sort(
      (one, other) => sign * compare(one[key], other[key]) || one.name.localeCompare(other.name),
    );
  }

  #render() {
    const hadFocus = this.table.tHead.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.table.tHead.rows[0].replaceChildren(...COLUMNS.map((column) => this.#heading(column)));
    if (hadFocus) this.table.tHead.querySelector(`[data-key="${hadFocus}"]`).focus();
    this.table.tBodies[0].replaceChildren(...this.#sorted().map((row) => line(row)));
    const sums = sumOf(this.rows);
    const whole = (sum) => (sum === 0 ? 0 : 1);
    const all = {
      name: "All classes",
      group: "",
      ...sums,
      catalogShare: whole(sums.catalog),
      searchesShare: whole(sums.searches),
    };
    this.table.tFoot.replaceChildren(line(all));
  }

  #heading({ key, title, css = "", first, of }) {
    const isSorted = this.order.key === key;
    const button = element("button", { type: "button", "data-key": key }, title);
    if (of) button.append(element("span", { class: "visually-hidden" }, ` ${of}`));
    button.addEventListener("click", () => {
      const opposite = this.order.direction === "ascending" ? "descending" : "ascending";
      this.sortBy(key, isSorted ? opposite : first);
    });
    return element("th", { scope: "col", class: css, "aria-sort": isSorted && this.order.direction }, button);
  }
}

/** Empty where no garment of the class was searched for, or the search did not say whether it had a match. */
function noMatchCells(rate) {
  if (!rate || rate.rate === null) return ["", "", "", "", ""];
  return [rate.of, rate.count, rate.rate.toFixed(4), rate.low.toFixed(4), rate.high.toFixed(4)];
}

function line(row) {
  const cells = COLUMNS.map(({ key, css = "", show = String }, index) =>
    index === 0 ? element("th", { scope: "row" }, row[key]) : element("td", { class: css }, show(row[key])),
  );
  return element("tr", {}, ...cells);
}
