/** Shop the look: what one retailer sells for several garments of the photo. */

import { element } from "./dom.js";
import { garmentName } from "./garments.js";
import { linked, money, picture } from "./product_cards.js";
import { isGood } from "./verdicts.js";

const MOST_SHOWN = 3;

/**
 * Shows the best looks, where any retailer has good matches for two garments or more; else hides the section.
 * @param {object} reply As the API gave it.
 */
export function showLooks({ looks, objects }) {
  const byId = new Map(objects.map((found) => [found.object_id, found]));
  const worthwhile = (looks ?? []).filter((look) => goodItems(look).length > 1).slice(0, MOST_SHOWN);
  document.getElementById("looks").hidden = worthwhile.length === 0;
  document.getElementById("looks-list").replaceChildren(...worthwhile.map((look) => card(look, byId)));
}

const goodItems = (look) => look.items.filter((item) => isGood(item.result));

function card(look, byId) {
  const items = look.items.filter((item) => isGood(item.result));
  return element(
    "li",
    { class: "look" },
    element("h3", { class: "look__title" }, look.retailer_name || look.retailer),
    element("p", { class: "look__facts" }, facts(look, items)),
    element("ul", { class: "look__items" }, ...items.map((item) => row(item, byId))),
  );
}

function row({ object_ids: ids, result }, byId) {
  const { product } = result;
  const found = byId.get(ids[0]);
  const paid = lowest(product);
  return element(
    "li",
    {
      class: "look__item",
      "data-product-id": product.product_id,
      "data-retailer": product.retailer,
      "data-rank": result.rank,
      "data-object-id": ids[0],
    },
    picture(result),
    element(
      "div",
      {},
      ...(found ? [element("p", { class: "look__for" }, `for the ${garmentName(found)}`)] : []),
      element("p", { class: "look__product" }, linked(product.title, product.link)),
      ...(paid === null ? [] : [element("p", {}, money(paid, product.currency))]),
    ),
  );
}

/** Totals are the API's, exact, where every item is shown; of fewer items no sum is claimed. */
function facts(look, items) {
  const share = items.length === 1 ? "1 garment" : `${items.length} garments`;
  const totals = look.totals.map((total) => money(total.amount, total.currency)).join(" + ");
  if (items.length < look.items.length || !totals) return share;
  return look.n_unpriced > 0 ? `${share}, ${totals} and ${look.n_unpriced} without a price` : `${share}, ${totals}`;
}

function lowest({ price, sale_price: sale }) {
  if (price === null || sale === null) return sale ?? price;
  return Number(sale) < Number(price) ? sale : price;
}
