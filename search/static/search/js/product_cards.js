/** The products of one garment, best first. */

import { element, webAddress } from "./dom.js";
import { garmentName, isWholePhoto, percent } from "./garments.js";

const AVAILABILITY = {
  in_stock: "In stock",
  out_of_stock: "Out of stock",
  preorder: "Pre-order",
  backorder: "Back-order",
};

/**
 * Shows a garment's products.
 * @param {object} found As the API gave it. @param {{inStockOnly: boolean}} wish
 * @returns {string} What is shown, in one sentence, for the status line.
 */
export function showProducts(found, { inStockOnly }) {
  const results = found.results.filter((result) => !inStockOnly || result.product.in_stock);
  const hidden = found.results.length - results.length;
  const title = isWholePhoto(found) ? "Products like the whole photo" : `Products like the ${garmentName(found)}`;
  document.getElementById("products-title").textContent = title;
  const note = noteOf(found, results.length, hidden);
  document.getElementById("products-note").textContent = note;
  document.getElementById("products-list").replaceChildren(...results.map((result) => card(result)));
  return `${title}: ${results.length}. ${note}`;
}

function noteOf(found, nShown, nHidden) {
  const sentences = [];
  if (isWholePhoto(found)) sentences.push("No garment was recognised; showing what looks like the whole photo.");
  if (found.results.length === 0) sentences.push("Nothing in the catalog looks like this.");
  else if (nShown === 0) sentences.push("Nothing like this is in stock.");
  if (nHidden > 0)
    sentences.push(
      nHidden === 1 ? "1 product not in stock is hidden." : `${nHidden} products not in stock are hidden.`,
    );
  return sentences.join(" ");
}

function card(result) {
  const { product } = result;
  return element(
    "li",
    { class: "product", "data-product-id": product.product_id },
    picture(result),
    element(
      "div",
      { class: "product__body" },
      element("h3", { class: "product__title" }, linked(product.title, product.link)),
      ...(product.brand ? [element("p", { class: "product__brand" }, product.brand)] : []),
      ...price(product),
      element(
        "p",
        { class: "product__foot" },
        badge(product.availability),
        element("span", { class: "product__match" }, `match ${percent(result.score)}`),
      ),
    ),
  );
}

function picture(result) {
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

function linked(title, link) {
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
function money(amount, currency) {
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
