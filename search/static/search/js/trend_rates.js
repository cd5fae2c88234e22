/** What came of searches: the cards with rates, and the same numbers by day as CSV. */

import { csvOf } from "./csv.js";
import { element } from "./dom.js";

const CARDS = [
  { key: "searches", title: "Searches", hint: "Photos searched for; one asked again counts once a day." },
  { key: "no_match", title: "No good match", hint: "of searches", css: "rate--bad" },
  { key: "click_through", title: "Clicked", hint: "of searches with a good match", event: "click" },
  { key: "cart", title: "Put into the cart", hint: "of searches with a good match", event: "cart" },
  { key: "purchase", title: "Bought", hint: "of searches with a good match", event: "purchase" },
];

const number = new Intl.NumberFormat("en");

/** A share of 1 in percent, with one decimal. */
export const percent = (share) => `${(share * 100).toFixed(1)}\u00a0%`;

/** The 95 % interval of a rate in words. */
export const interval = ({ low, high }) => `${(low * 100).toFixed(1)}–${percent(high)}`;

/** The cards. @param {object} rates Of the API's reply. @returns {HTMLElement[]} */
export function rateCards(rates) {
  return CARDS.map((card) => element("li", { class: `rate ${card.css ?? ""}`, "data-rate": card.key }, ...lines(card, rates)));
}

/** The rates of each day; null where there is nothing to be a rate of. */
export function ratesOf({ judged, answered, clicked, carted, purchased }) {
  const share = (count, of) => (of === 0 ? null : count / of);
  return {
    no_match: share(judged - answered, judged),
    click_through: share(clicked, answered),
    cart: share(carted, answered),
    purchase: share(purchased, answered),
  };
}

/** One line a day with searches. @param {object} trends The API's reply. */
export function daysCsv({ rates, retailer }) {
  const header = ["date", "searches", "judged", "no_match", "answered", "clicked", "carted", "purchased"];
  const names = ["no_match", "click_through", "cart", "purchase"];
  const rows = rates.by_day.map((day) => {
    const of = ratesOf(day);
    const counts = [day.searches, day.judged, day.judged - day.answered, day.answered];
    const shares = names.map((name) => (of[name] === null ? "" : of[name].toFixed(4)));
    return [day.date, ...counts, day.clicked, day.carted, day.purchased, ...shares, retailer ?? "all"];
  });
  return csvOf([[...header, ...names.map((name) => `${name}_rate`), "retailer"], ...rows]);
}

function lines({ key, title, hint, event }, rates) {
  const rate = rates[key];
  if (key === "searches") return [head(title), value(number.format(rate)), foot(hint)];
  if (rate.rate === null) return [head(title), value("–"), foot("Nothing to be a share of yet.")];
  // Nobody clicked, or nobody says so: the two must not look alike.
  if (event && isSilent(rates)) return [head(title), value("–"), foot("No events are reported yet (POST /api/events).")];
  const counts = `${number.format(rate.count)} of ${number.format(rate.of)}`;
  return [
    head(title),
    value(percent(rate.rate)),
    bar(rate),
    foot(`${counts} ${hint.replace(/^of /, "")}`),
    foot(`95 % interval ${interval(rate)}`),
  ];
}

const isSilent = ({ events }) => Object.values(events).every((count) => count === 0);
const head = (text) => element("h3", { class: "rate__title" }, text);
const value = (text) => element("p", { class: "rate__value" }, text);
const foot = (text) => element("p", { class: "rate__foot" }, text);

/** The interval drawn on the way from 0 to 100 %; the words beside it say the same. */
function bar({ rate, low, high }) {
  const meter = element("div", { class: "rate__bar", "aria-hidden": "true" }, element("span", {}), element("i", {}));
  const [range, mark] = meter.children;
  range.style.left = `${low * 100}%`;
  range.style.width = `${Math.max(high - low, 0.005) * 100}%`;
  mark.style.left = `${rate * 100}%`;
  return meter;
}
