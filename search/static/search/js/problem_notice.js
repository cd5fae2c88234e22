/** Telling people what went wrong. */

import { element } from "./dom.js";
import { keyForm, keyTitle, wantsKey } from "./key_form.js";

/**
 * Shows a problem in `place`, and announces it.
 * @param {HTMLElement} place
 * @param {import("./api.js").Problem} problem
 * @param {(() => void)|null} retry What "Try again" does; null where trying again cannot help.
 */
export function showProblem(place, problem, retry = null) {
  const notice = element("div", { class: "notice notice--problem", role: "alert" });
  notice.append(element("p", { class: "notice__title" }, keyTitle(problem) ?? problem.title));
  if (problem.detail && problem.code !== "not_authenticated") notice.append(element("p", {}, problem.detail));
  const fields = problem.fields.filter((field) => field.message && field.message !== problem.detail);
  if (fields.length > 0) {
    const items = fields.map((field) =>
      element("li", {}, field.field ? `${field.field}: ${field.message}` : field.message),
    );
    notice.append(element("ul", { class: "notice__list" }, ...items));
  }
  const reference = [problem.code, problem.requestId && `request ${problem.requestId}`].filter(Boolean).join(" · ");
  if (reference) notice.append(element("p", { class: "notice__reference" }, reference));
  if (retry && wantsKey(problem)) {
    notice.append(keyForm(retry));
  } else if (retry) {
    const button = element("button", { type: "button", class: "button button--small" }, "Try again");
    button.addEventListener("click", retry);
    notice.append(button);
  }
  place.replaceChildren(notice);
}

/** Takes the last problem away. */
export function clearProblem(place) {
  place.replaceChildren();
}

/** True where the same request may succeed later: no answer at all, a busy or a failing server, another key. */
export function mayPass(problem) {
  return problem.status === 0 || problem.status === 429 || problem.status >= 500 || wantsKey(problem);
}
