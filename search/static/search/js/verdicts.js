/** How good a match is, in words people understand. */

import { percent } from "./garments.js";

const VERDICTS = { exact: "Exact match", similar: "Similar", none: "No good match" };

/** From which chance on a product is called so; the last one holds for the rest. */
const CHANCES = [
  [0.95, "almost certainly the same"],
  [0.75, "very likely the same"],
  [0.5, "likely the same"],
  [0.25, "perhaps the same"],
  [0, "rather another one"],
];

/** True for what is worth showing unasked. @param {{verdict: string}} judged A result, or an object. */
export const isGood = (judged) => judged.verdict !== "none";

/** @returns {string} The verdict in words; as the API wrote it where the page does not know it. */
export function verdictWords(judged) {
  return Object.hasOwn(VERDICTS, judged.verdict) ? VERDICTS[judged.verdict] : String(judged.verdict);
}

/** @returns {string} The chance that it is the same product; how alike it looks where chances are not known. */
export function chanceWords(result, isCalibrated) {
  if (!isCalibrated) return `${percent(result.score)} alike`;
  return CHANCES.find(([least]) => result.score >= least)?.[1] ?? CHANCES.at(-1)[1];
}

/** @returns {string} The figures behind the words. */
export function figures(result, isCalibrated) {
  const alike = `similarity ${result.similarity.toFixed(2)}`;
  return isCalibrated ? `chance ${percent(result.score)}, ${alike}` : alike;
}
