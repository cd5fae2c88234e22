/** Asking for an API key where the server wants one, or another one. */

import { isKey, useKey } from "./caller_key.js";
import { element } from "./dom.js";

const TITLES = new Map([
  ["not_authenticated", "An API key is needed here"],
  ["invalid_api_key", "This key does not work"],
  ["permission_denied", "This key does not open this page"],
  ["origin_refused", "This key is for other pages"],
  ["csrf_failed", "Load the page anew, or use a key"],
]);

/** Whether a problem is about who asks. @param {import("./api.js").Problem} problem */
export function wantsKey(problem) {
  return TITLES.has(problem.code);
}

/** What such a problem is called on a page; the API speaks to programs. */
export function keyTitle(problem) {
  return TITLES.get(problem.code);
}

/**
 * A form for a key, with the way to sign in instead.
 * @param {() => void} retry What to do once there is a key.
 */
export function keyForm(retry) {
  const field = element("input", {
    type: "password",
    name: "key",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "slv_…",
    "aria-label": "API key",
    "aria-describedby": "key-hint",
  });
  const said = element("p", { class: "key-form__hint", id: "key-hint" }, "It is kept in this tab alone, until it is closed.");
  const signIn = element("a", { href: `/admin/login/?next=${encodeURIComponent(location.pathname)}` }, "sign in");
  const form = element(
    "form",
    { class: "key-form" },
    element("div", { class: "key-form__row" }, field, element("button", { class: "button" }, "Use this key"), "or ", signIn),
    said,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isKey(field.value)) {
      said.textContent = "An API key begins with slv_pk_ or slv_sk_.";
      field.focus();
      return;
    }
    useKey(field.value);
    retry();
  });
  return form;
}
