/** The garments found, as a row of buttons beside the photo. */

import { element } from "./dom.js";
import { garmentName, isWholePhoto, percent } from "./garments.js";
import { isGood, verdictWords } from "./verdicts.js";

const HEX_COLOR = /^#[0-9a-f]{6}$/i;

export class GarmentList {
  /** @param {(objectId: number) => void} onChoose Hears which garment was chosen. */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.list = document.getElementById("garments");
  }

  /** @param {object[]} objects As the API gave them. */
  show(objects) {
    this.list.replaceChildren(...objects.map((found) => element("li", {}, this.#button(found))));
  }

  select(objectId) {
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.objectId) === objectId));
    }
  }

  #button(found) {
    const words = isWholePhoto(found) ? [] : [`${found.object_id + 1}`, found.color?.name ?? ""];
    words.push(garmentName(found));
    const button = element(
      "button",
      { type: "button", class: "garment", "aria-pressed": "false", "data-object-id": found.object_id },
      ...swatch(found.color),
      element("span", {}, words.filter(Boolean).join(" ")),
    );
    if (found.kind === "garment")
      button.append(element("span", { class: "garment__sure" }, `${percent(found.score)} sure`));
    if (!isGood(found)) button.append(element("span", { class: "garment__sure" }, verdictWords(found).toLowerCase()));
    button.addEventListener("click", () => this.onChoose(found.object_id));
    return button;
  }
}

function swatch(color) {
  if (!HEX_COLOR.test(color?.hex ?? "")) return [];
  const dot = element("span", { class: "garment__swatch", "aria-hidden": "true" });
  dot.style.backgroundColor = color.hex;
  return [dot];
}
