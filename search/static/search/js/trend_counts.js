/** Counting for the dashboard: what the API counted, arranged for chart and table, nothing added or left out. */

/** The two sides, in the API's words, with what each of their counts is. */
export const SIDES = {
  catalog: {
    title: "Catalog garments",
    none: "No garment of the catalog was described in this period.",
    counted: () =>
      "Garments recognised in pictures of products for sale, on the day a picture was described (UTC). " +
      "A product with several pictures counts in each of them.",
  },
  searches: {
    title: "Searched garments",
    none: "No garment was searched for in this period.",
    counted: (retailer) =>
      "Garments recognised in shoppers' photos, on the day of the search (UTC)" +
      (retailer ? ", in searches of this retailer's products alone." : "."),
  },
};

/** @returns {string} A class in words; what no class was recognised for has its own name. */
export function className(category) {
  return category ? category.name : "not recognised";
}

/** All days from `from` to `to`, both included, as "2026-11-22". */
export function daysBetween(from, to) {
  const days = [];
  for (let day = Date.parse(`${from}T00:00:00Z`); day <= Date.parse(`${to}T00:00:00Z`); day += 24 * 60 * 60 * 1000) {
    days.push(new Date(day).toISOString().slice(0, 10));
  }
  return days;
}

/**
 * One row of counts for each class, the most frequent first; a day without a count is zero.
 * @param {object} trends The API's reply. @param {"catalog"|"searches"} side
 * @returns {{name: string, total: number, counts: number[]}[]} `counts` runs along `daysBetween`.
 */
export function dailyCounts(trends, side) {
  const position = new Map(daysBetween(trends.from, trends.to).map((day, index) => [day, index]));
  const rows = new Map();
  for (const { date, category, count } of trends[side]) {
    const name = className(category);
    if (!rows.has(name)) rows.set(name, { name, total: 0, counts: new Array(position.size).fill(0) });
    const row = rows.get(name);
    row.counts[position.get(date)] += count;
    row.total += count;
  }
  return [...rows.values()].sort((one, other) => other.total - one.total || one.name.localeCompare(other.name));
}

/** The first `most` rows, the others added up in one named for how many they are, so that nothing is missing. */
export function withOthersJoined(rows, most) {
  if (rows.length <= most + 1) return rows;
  const others = rows.slice(most);
  const joined = {
    name: `${others.length} other classes`,
    isOthers: true,
    total: 0,
    counts: rows[0].counts.map(() => 0),
  };
  for (const row of others) {
    joined.total += row.total;
    row.counts.forEach((count, day) => (joined.counts[day] += count));
  }
  return [...rows.slice(0, most), joined];
}

/**
 * The table's rows: the API's totals with each side's share.
 * @returns {object[]} `name`, `group`, `catalog`, `catalogShare`, `searches`, `searchesShare`; shares are 0..1, and
 *   0 where the side counts nothing.
 */
export function totalRows(trends) {
  const sums = sumOf(trends.totals);
  const share = (count, sum) => (sum === 0 ? 0 : count / sum);
  return trends.totals.map(({ category, catalog, searches }) => ({
    name: className(category),
    group: category ? category.supercategory : "",
    catalog,
    catalogShare: share(catalog, sums.catalog),
    searches,
    searchesShare: share(searches, sums.searches),
  }));
}

/** Both sides' sums over `{catalog, searches}` rows. */
export function sumOf(rows) {
  const sum = (side) => rows.reduce((total, row) => total + row[side], 0);
  return { catalog: sum("catalog"), searches: sum("searches") };
}
