/** The photo with its garments outlined: each outline can be clicked, and chosen from the keyboard. */

import { element, svgElement } from "./dom.js";
import { boxArea, garmentName, isWholePhoto, outlinePath, percent } from "./garments.js";
import { placeLabels } from "./label_layout.js";

const CANNOT_SHOW = "This browser cannot display this photo; its garments are drawn on an empty canvas.";
const SHOWN_OTHERWISE = "This browser shows the photo turned differently; its garments are drawn on an empty canvas.";

/** How far the shapes of the photo and of the API's coordinates may differ (rounding of small photos). */
const RATIO_TOLERANCE = 0.03;

export class PhotoStage {
  /** @param {(objectId: number) => void} onChoose Hears which garment was clicked. */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.stage = document.getElementById("stage");
    this.photo = document.getElementById("photo");
    this.note = document.getElementById("stage-note");
    this.outlines = document.getElementById("outlines");
    this.labels = document.getElementById("labels");
    this.objects = [];
    this.shown = Promise.resolve(false);
    new ResizeObserver(() => this.#layLabels()).observe(this.stage);
  }

  /** Shows a photo without garments, and forgets the one before. @param {Blob} photo */
  showPhoto(photo) {
    this.clearGarments();
    this.#blank(false);
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(photo);
    this.photo.src = this.address;
    const shown = this.photo.decode().then(
      () => true,
      () => false,
    );
    this.shown = shown;
    shown.then((isShown) => {
      if (this.shown !== shown) return; // Another photo has come since.
      if (isShown) this.#setRatio(this.photo.naturalWidth / this.photo.naturalHeight);
      else this.#blank(true, CANNOT_SHOW);
    });
  }

  clearGarments() {
    this.objects = [];
    this.outlines.replaceChildren();
    this.labels.replaceChildren();
  }

  /**
   * Outlines the garments, the biggest first, so that a belt lies above its coat.
   * @param {object[]} objects As the API gave them. @param {{width: number, height: number}} image In pixels.
   */
  async showGarments(objects, image) {
    const shown = this.shown;
    const isShown = await shown;
    if (this.shown !== shown) return; // Another photo has come since.
    this.#matchShape(isShown, image);
    this.objects = objects.filter((found) => !isWholePhoto(found));
    this.outlines.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
    const biggestFirst = [...this.objects].sort((one, other) => boxArea(other) - boxArea(one));
    this.outlines.replaceChildren(...biggestFirst.map((found) => this.#outline(found, image)));
    this.labels.replaceChildren(...this.objects.map((found) => label(found)));
    this.#layLabels();
  }

  /** Marks one garment as chosen. */
  select(objectId) {
    for (const outline of this.outlines.children) {
      outline.setAttribute("aria-pressed", String(Number(outline.dataset.objectId) === objectId));
    }
    for (const tag of this.labels.children) {
      tag.classList.toggle("is-selected", Number(tag.dataset.objectId) === objectId);
    }
  }

  /** Outlines drawn on a photo that is displayed in another shape would point at the wrong places. */
  #matchShape(isShown, image) {
    const asked = image.width / image.height;
    const displayed = isShown ? this.photo.naturalWidth / this.photo.naturalHeight : asked;
    const fits = Math.abs(displayed / asked - 1) <= RATIO_TOLERANCE;
    if (isShown && fits) return;
    this.#setRatio(asked);
    this.#blank(true, isShown ? SHOWN_OTHERWISE : CANNOT_SHOW);
  }

  #outline(found, image) {
    const path = outlinePath(found, image.width, image.height);
    const outline = svgElement(
      "g",
      {
        class: "outline",
        role: "button",
        tabindex: 0,
        "aria-pressed": "false",
        "aria-label": `${found.object_id + 1}: ${garmentName(found)}, ${percent(found.score)} sure`,
        "data-object-id": found.object_id,
      },
      svgElement("path", { class: "outline__halo", d: path }),
      svgElement("path", { class: "outline__edge", d: path }),
    );
    outline.addEventListener("click", () => this.onChoose(found.object_id));
    outline.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.onChoose(found.object_id);
    });
    return outline;
  }

  #layLabels() {
    const tags = [...this.labels.children];
    if (tags.length === 0) return;
    const sizes = ["is-short", ""].map((form) => {
      tags.forEach((tag) => tag.classList.toggle("is-short", form !== ""));
      return tags.map((tag) => ({ width: tag.offsetWidth, height: tag.offsetHeight }));
    });
    const wanted = this.objects.map((found, at) => ({
      box: found.box_relative,
      short: sizes[0][at],
      full: sizes[1][at],
    }));
    const stage = { width: this.stage.clientWidth, height: this.stage.clientHeight };
    placeLabels(wanted, stage).forEach((spot, at) => {
      tags[at].classList.toggle("is-short", spot.isShort);
      tags[at].style.transform = `translate(${spot.left}px, ${spot.top}px)`;
    });
  }

  #setRatio(ratio) {
    this.stage.style.setProperty("--photo-ratio", String(ratio));
  }

  #blank(isBlank, why = "") {
    this.stage.classList.toggle("is-blank", isBlank);
    this.note.hidden = !isBlank;
    this.note.textContent = why;
  }
}

function label(found) {
  return element(
    "span",
    { class: "label", "data-object-id": found.object_id },
    element("span", { class: "label__number" }, String(found.object_id + 1)),
    element("span", { class: "label__name" }, ` ${garmentName(found)}`),
  );
}
