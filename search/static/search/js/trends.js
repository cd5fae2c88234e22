/** The trend dashboard: fetches the counts asked for, shows them as chart and table. */

import { fetchRetailers, fetchTrends, isCancelled, Problem } from "./api.js";
import { download } from "./csv.js";
import { noMatchRows, showNoMatches } from "./no_match_table.js";
import { clearProblem, mayPass, showProblem } from "./problem_notice.js";
import { RateChart } from "./rate_chart.js";
import { offerRetailers } from "./retailer_choice.js";
import { TrendChart } from "./trend_chart.js";
import { dailyCounts, SIDES, sumOf, totalRows, withOthersJoined } from "./trend_counts.js";
import { daysCsv, rateCards } from "./trend_rates.js";
import { TrendTable } from "./trend_table.js";

/** As many classes as colors that are told apart; the rest is joined and named so. */
const CLASSES_IN_CHART = 8;

const at = (id) => document.getElementById(id);
const controls = at("controls");
const chart = new TrendChart(at("chart"));
const table = new TrendTable(at("totals-table"));
const rateChart = new RateChart(at("rate-chart"));
const page = { running: null, trends: null };

controls.addEventListener("submit", (event) => event.preventDefault());
controls.addEventListener("change", (event) => {
  remember();
  if (event.target.name !== "side") load();
  else if (page.trends) showSide();
});
at("download").addEventListener("click", () => save("trends", table.csv(page.trends)));
at("download-days").addEventListener("click", () => save("rates", daysCsv(page.trends)));
start();

async function start() {
  const wanted = new URLSearchParams(location.search);
  for (const name of ["days", "side"]) {
    const choice = [...controls.elements[name]].find((radio) => radio.value === wanted.get(name));
    if (choice) choice.checked = true;
  }
  try {
    offerRetailers(at("retailer"), await fetchRetailers());
    at("retailer").value = wanted.get("retailer") ?? "";
    if (at("retailer").selectedIndex < 0) at("retailer").value = "";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fail(error, () => location.reload());
    return;
  }
  await load();
}

/** Fetches and shows the counts asked for; an earlier request still running is cancelled. */
async function load() {
  page.running?.abort();
  const request = new AbortController();
  page.running = request;
  clearProblem(at("problem"));
  at("dashboard").setAttribute("aria-busy", "true");
  try {
    const trends = await fetchTrends({
      days: Number(chosen("days")),
      retailer: at("retailer").value,
      signal: request.signal,
    });
    if (page.running !== request) return;
    page.trends = trends;
    show();
  } catch (error) {
    if (isCancelled(error) || page.running !== request) return;
    if (!(error instanceof Problem)) throw error;
    fail(error, mayPass(error) ? load : null);
  }
}

function show() {
  const { trends } = page;
  at("dashboard").hidden = false;
  at("dashboard").removeAttribute("aria-busy");
  at("totals").hidden = trends.totals.length === 0;
  table.show(totalRows(trends));
  showRates();
  showSide();
  at("facts").textContent = stamp(trends);
}

/** What came of the searches: cards, lines, and what was searched without being stocked. */
function showRates() {
  const { trends } = page;
  const isEmpty = trends.rates.searches === 0;
  at("rate-cards").replaceChildren(...rateCards(trends.rates));
  at("rate-chart-frame").hidden = isEmpty;
  at("rates-empty").hidden = !isEmpty;
  at("download-days").hidden = isEmpty;
  if (!isEmpty) rateChart.draw(trends);
  const rows = noMatchRows(trends);
  at("no-match").hidden = rows.length === 0;
  showNoMatches(at("no-match-table"), rows);
}

/** The chart of the chosen side, and the table sorted by it. */
function showSide() {
  const { trends } = page;
  const side = chosen("side");
  table.sortBy(side, "descending");
  const rows = withOthersJoined(dailyCounts(trends, side), CLASSES_IN_CHART);
  at("chart-title").textContent = `${SIDES[side].title}, by class and day`;
  at("counted").textContent = SIDES[side].counted(trends.retailer);
  at("chart-frame").hidden = rows.length === 0;
  at("chart-empty").hidden = rows.length > 0;
  at("chart-empty").textContent = SIDES[side].none;
  if (rows.length > 0) chart.draw(trends, side, rows);
  const sums = sumOf(trends.totals);
  const said = `${trends.from} to ${trends.to}: ${sums.catalog} catalog garments, ${sums.searches} searched garments.`;
  at("status").textContent = rows.length > 0 ? said : `${SIDES[side].none} ${said}`;
}

/** Numbers that failed to load are not shown as the ones before. */
function fail(problem, retry) {
  page.trends = null;
  at("dashboard").hidden = true;
  at("status").textContent = "";
  showProblem(at("problem"), problem, retry);
}

function stamp({ from, to, retailer, model_versions: versions }) {
  const whose = retailer ? `retailer ${retailer}` : "all retailers";
  const models = versions.length > 0 ? `counted by model ${versions.join(", ")}` : "nothing counted yet";
  const warning = versions.length > 1 ? " Counts of different models do not compare exactly." : "";
  return `${from} to ${to} · ${whose} · ${models}.${warning}`;
}

function save(what, csv) {
  const { from, to, retailer } = page.trends;
  download(csv, `selvedge-${what}-${retailer ?? "all"}-${from}-${to}.csv`);
}

/** Keeps the choice in the address, so that it can be shared and survives a reload. */
function remember() {
  const query = new URLSearchParams({ days: chosen("days"), side: chosen("side") });
  if (at("retailer").value) query.set("retailer", at("retailer").value);
  history.replaceState(null, "", `?${query}`);
}

function chosen(name) {
  return controls.elements[name].value;
}
