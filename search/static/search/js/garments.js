/** What the API's objects are called and where they are. */

/** True for the group that stands for the photo as one thing, the last or only one. */
export const isWholePhoto = (found) => found.kind === "whole_image";

/** @returns {string} The garment's class in words, or "Whole photo", or "Chosen region". */
export function garmentName(found) {
  if (found.category) return found.category.name;
  return isWholePhoto(found) ? "Whole photo" : "Chosen region";
}

/** @returns {string} A share of 1 in whole percent, as "93 %". */
export function percent(share) {
  return `${Math.round(Math.min(Math.max(share, 0), 1) * 100)}\u00a0%`;
}

/** The garment's outline as an SVG path in pixels of a `width` x `height` picture; its box where it has no polygons. */
export function outlinePath(found, width, height) {
  const rings = (found.polygons ?? []).filter((ring) => ring.length >= 6);
  const box = found.box_relative;
  if (rings.length === 0) {
    rings.push([box.x_min, box.y_min, box.x_max, box.y_min, box.x_max, box.y_max, box.x_min, box.y_max]);
  }
  return rings.map((ring) => `M${points(ring, width, height).join("L")}Z`).join("");
}

/** The share of the photo that the garment's box covers, 0..1. */
export function boxArea(found) {
  const box = found.box_relative;
  return (box.x_max - box.x_min) * (box.y_max - box.y_min);
}

function points(ring, width, height) {
  const pairs = [];
  for (let at = 0; at + 1 < ring.length; at += 2) {
    pairs.push(`${(ring[at] * width).toFixed(2)} ${(ring[at + 1] * height).toFixed(2)}`);
  }
  return pairs;
}
