/** Where the labels of garments go on the photo, so that they can be read. */

const GAP_PX = 2;

/**
 * Places labels one after the other: in full where there is room, else the short form (the number alone), else
 * the short form at its first place although it touches another.
 * @param {{box: {x_min: number, y_min: number, x_max: number, y_max: number},
 *          full: {width: number, height: number}, short: {width: number, height: number}}[]} labels
 *   Boxes in 0..1 of the stage, sizes in pixels; the most important label first.
 * @param {{width: number, height: number}} stage In pixels.
 * @returns {{left: number, top: number, isShort: boolean}[]} In the order given, in pixels of the stage.
 */
export function placeLabels(labels, stage) {
  const taken = [];
  return labels.map(({ box, full, short }) => {
    const spots = [
      ...candidates(box, full, stage).map((spot) => ({ ...spot, isShort: false })),
      ...candidates(box, short, stage).map((spot) => ({ ...spot, isShort: true })),
    ];
    const free = spots.find((spot) => !taken.some((other) => overlap(spot, other)));
    const chosen = free ?? spots.find((spot) => spot.isShort);
    taken.push(chosen);
    return { left: chosen.left, top: chosen.top, isShort: chosen.isShort };
  });
}

/** Inside a big box (middle, top, bottom); beside a small one, so that the garment stays visible. In the stage. */
function candidates(box, size, stage) {
  const middle = ((box.x_min + box.x_max) / 2) * stage.width - size.width / 2;
  const left = clamp(middle, stage.width - size.width);
  const top = box.y_min * stage.height;
  const bottom = box.y_max * stage.height;
  const inside = [(top + bottom - size.height) / 2, top + 4, bottom - size.height - 4];
  const beside = [top - size.height - 4, bottom + 4];
  const isBig = bottom - top > 3 * size.height;
  return (isBig ? [...inside, ...beside] : [...beside, ...inside]).map((y) => ({
    left,
    top: clamp(y, stage.height - size.height),
    width: size.width,
    height: size.height,
  }));
}

function clamp(value, most) {
  return Math.max(0, Math.min(value, most));
}

function overlap(one, other) {
  return (
    one.left < other.left + other.width + GAP_PX &&
    other.left < one.left + one.width + GAP_PX &&
    one.top < other.top + other.height + GAP_PX &&
    other.top < one.top + one.height + GAP_PX
  );
}
