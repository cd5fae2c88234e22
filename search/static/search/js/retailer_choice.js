/** The list of retailers to choose from. */

import { element } from "./dom.js";

/**
 * Adds the retailers behind "All retailers".
 * @param {HTMLSelectElement} select @param {{slug: string, name: string}[]} retailers
 */
export function offerRetailers(select, retailers) {
  const byName = [...retailers].sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
  select.append(...byName.map((retailer) => element("option", { value: retailer.slug }, nameOf(retailer))));
}

function nameOf(retailer) {
  return retailer.name || retailer.slug;
}
