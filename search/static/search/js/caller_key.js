/**
 * Who the page asks as: the holder of an API key, else a person signed in to the administration, else nobody known.
 *
 * A key comes after "#key=" in the address, a part that browsers send to no server, or is typed in. It is kept until the
 * tab is closed, and taken out of the address at once, so that it is neither bookmarked nor shared.
 */

const STORED = "selvedge-key";
const KEY = /^slv_(pk|sk|op)_[\x21-\x7e]+$/;

let kept = stored();
takeFromAddress();

addEventListener("hashchange", () => {
  if (takeFromAddress()) location.reload();
});

/** The headers that say who asks. @param {string} method @returns {Object<string, string>} */
export function callerHeaders(method = "GET") {
  if (kept) return { Authorization: `Bearer ${kept}` };
  const token = document.querySelector("meta[name='csrf-token']")?.content;
  return token && method !== "GET" ? { "X-CSRFToken": token } : {};
}

/** Whether a text looks like a key. */
export function isKey(text) {
  return KEY.test(text.trim());
}

/** Asks with this key from now on. */
export function useKey(key) {
  kept = key.trim();
  try {
    sessionStorage.setItem(STORED, kept);
  } catch {
    // Storage may be forbidden: the key then lasts as long as the page.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** Whether there was a key in it. */
function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return false;
  history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  if (isKey(given)) useKey(given);
  return isKey(given);
}
