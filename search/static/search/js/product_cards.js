/** The products of one garment, best first. */

import { element, webAddress } from "./dom.js";
import { garmentName, isWholePhoto } from "./garments.js";
import { chanceWords, figures, isGood, verdictWords } from "./verdicts.js";

const AVAILABILITY = {
  in_stock: "In stock",
  out_of_stock: "Out of stock",
  preorder: "Pre-order",
  backorder: "Back-order",
};

/**
 * Shows a garment's products: the good matches, and a button for the others.
 * @param {object} found As the API gave it. @param {boolean} isCalibrated Whether scores are chances.
 * @param {(words: string) => void} say Announces what a press of the button has shown.
 * @returns {string} What is shown, in one sentence, for the status line.
 */
export function showProducts(found, isCalibrated, say) {
  const good = found.results.filter(isGood);
  const others = found.results.filter((result) => !isGood(result));
  const title = isWholePhoto(found) ? "Products like the whole photo" : `Products like the ${garmentName(found)}`;
  document.getElementById("products-title").textContent = title;
  const note = noteOf(found, good.length);
  document.getElementById("products-note").textContent = note;
  const list = document.getElementById("products-list");
  list.dataset.objectId = found.object_id;
  list.replaceChildren(...good.map((result) => card(result, isCalibrated)));
  offerOthers(others, good.length > 0, (button) => {
    button.remove();
    const cards = others.map((result) => card(result, isCalibrated));
    list.append(...cards);
    cards[0].tabIndex = -1;
    cards[0].focus({ preventScroll: true });
    say(`${others.length} more shown.`);
  });
  return `${title}: ${good.length}. ${note}`;
}

function noteOf(found, nGood) {
  const sentences = [];
  // The whole photo comes last; where it is the first, it is the only one.
  if (isWholePhoto(found) && found.object_id === 0) sentences.push("No garment was recognised; showing what looks like the whole photo.");
  if (found.results.length === 0) sentences.push("Nothing in the catalog looks like this.");
  else if (nGood === 0) sentences.push("No good match in the catalog.");
  return sentences.join(" ");
}

function offerOthers(others, isMore, show) {
  const place = document.getElementById("products-more");
  place.replaceChildren();
  if (others.length === 0) return;
  const words = isMore ? `Show ${others.length} that look less alike` : "Show the nearest all the same";
  const button = element("button", { type: "button", class: "button button--small" }, words);
  button.addEventListener("click", () => show(button));
  place.append(button);
}

function card(result, isCalibrated) {
  const { product } = result;
  return element(
    "li",
    {
      class: "product",
      "data-product-id": product.product_id,
      "data-retailer": product.retailer,
      "data-rank": result.rank,
    },
    picture(result),
    element(
      "div",
      { class: "product__body" },
      element("h3", { class: "product__title" }, linked(product.title, product.link)),
      ...(product.brand ? [element("p", { class: "product__brand" }, product.brand)] : []),
      ...price(product),
      ...variants(result),
      element(
        "p",
        { class: "product__foot" },
        badge(product.availability),
        element("span", { class: `verdict verdict--${isGood(result) ? result.verdict : "none"}` }, verdictWords(result)),
      ),
      element(
        "p",
        { class: "product__match", title: figures(result, isCalibrated) },
        chanceWords(result, isCalibrated),
      ),
    ),
  );
}

/** The sizes and colors the garment comes in; sizes that cannot be bought now are struck out. */
function variants({ variants: all, n_variants: count }) {
  if (!(count > 1)) return [];
  const lines = [element("p", { class: "product__variants" }, `${count} variants`)];
  const sizes = [...new Set(all.map((variant) => variant.size).filter(Boolean))];
  if (sizes.length > 1) {
    const buyable = new Set(all.filter((variant) => variant.in_stock).map((variant) => variant.size));
    const words = sizes.map((size) => (buyable.has(size) ? element("span", {}, size) : element("s", {}, size)));
    lines.push(element("p", { class: "product__sizes", "aria-label": "Sizes" }, ...words));
  }
  const colors = [...new Set(all.map((variant) => variant.color).filter(Boolean))];
  if (colors.length > 1) lines.push(element("p", { class: "product__colors" }, colors.join(", ")));
  return lines;
}

/** The picture that matched; the product's own where it cannot be shown. */
export function picture(result) {
  const frame = element("div", { class: "product__picture" });
  const address = webAddress(result.matched_image_url) ?? webAddress(result.product.image_url);
  const missing = () => frame.replaceChildren("No picture");
  if (!address) {
    missing();
    return frame;
  }
  const image = element("img", { src: address, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", missing);
  frame.append(image);
  return frame;
}

/** A title that leads to the retailer's page, where that is one of the web. */
export function linked(title, link) {
  const address = webAddress(link);
  if (!address) return element("span", {}, title);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, title);
}

function price({ price: full, sale_price: sale, currency }) {
  if (full === null && sale === null) return [];
  const line = element("p", { class: "product__price" });
  if (sale === null || full === null) {
    line.append(element("span", {}, money(sale ?? full, currency)));
  } else {
    line.append(
      element(
        "span",
        { class: "is-sale" },
        element("span", { class: "visually-hidden" }, "now "),
        money(sale, currency),
      ),
      element("s", {}, element("span", { class: "visually-hidden" }, "before "), money(full, currency)),
    );
  }
  return [line];
}

/** An amount as people write it; as the API wrote it where the currency is none the browser knows. */
export function money(amount, currency) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`.trim();
  }
}

function badge(availability) {
  const isKnown = Object.hasOwn(AVAILABILITY, availability);
  const kind = isKnown ? `badge badge--${availability}` : "badge";
  return element("span", { class: kind }, isKnown ? AVAILABILITY[availability] : String(availability));
}
