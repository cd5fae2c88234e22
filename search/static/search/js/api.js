/** The HTTP API as the pages use it: JSON in, and every failure one `Problem`. */

import { callerHeaders } from "./caller_key.js";

const SEARCH = "/api/search";
const TRENDS = "/api/trends/";
const RETAILERS = "/api/retailers/?limit=100";

/** Why a request failed, in the API's own words where it gave any (RFC 9457). */
export class Problem extends Error {
  constructor({ title, detail = "", status = 0, code = "", requestId = "", fields = [] }) {
    super(title);
    Object.assign(this, { title, detail, status, code, requestId, fields });
  }
}

/** What says that a photo cannot be asked for again by its id, so that it must be sent. */
const FORGOTTEN = new Set(["unknown_image", "image_outdated"]);

/**
 * Searches by photo, for the nearest products whatever their verdict: the page hides what is no good match until it is
 * asked for, so that showing it needs no second search. A photo the server remembers is not sent again.
 * @param {{photo: Blob, fileName: string, imageId: ?string, wishes: Object<string, string|boolean>, signal: AbortSignal}} query
 *   `imageId` is that of an earlier answer to this photo; `wishes` are parameters of the API, empty and false ones are
 *   left out.
 */
export async function searchByPhoto(query) {
  try {
    return await postSearch(query);
  } catch (error) {
    if (!query.imageId || !FORGOTTEN.has(error.code)) throw error;
    return postSearch({ ...query, imageId: null });
  }
}

function postSearch({ photo, fileName, imageId, wishes, signal }) {
  const form = new FormData();
  if (imageId) form.append("image_id", imageId);
  else form.append("image", photo, fileName);
  form.append("verdict", "none");
  form.append("combine", "true");
  for (const [name, value] of Object.entries(wishes)) {
    if (value) form.append(name, String(value));
  }
  return fetchJson(SEARCH, { method: "POST", body: form, signal });
}

/** Garment counts by class and day. @param {{days: number, retailer: string, signal: AbortSignal}} query */
export function fetchTrends({ days, retailer, signal }) {
  const query = new URLSearchParams({ days: String(days) });
  if (retailer) query.set("retailer", retailer);
  return fetchJson(`${TRENDS}?${query}`, { signal });
}

/** The retailers, each with `slug` and `name`. */
export async function fetchRetailers() {
  const reply = await fetchJson(RETAILERS);
  return Array.isArray(reply) ? reply : reply.results;
}

/** True for the error of a request that was cancelled on purpose. */
export function isCancelled(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

async function fetchJson(address, options = {}) {
  let response;
  try {
    const headers = { Accept: "application/json", ...callerHeaders(options.method) };
    response = await fetch(address, { headers, ...options });
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw new Problem({ title: "The server could not be reached", detail: "Check the connection, then try again." });
  }
  if (!response.ok) throw await problemOf(response);
  try {
    return await response.json();
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw new Problem({ title: "The server's answer could not be read", status: response.status });
  }
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch (error) {
    if (isCancelled(error)) throw error; // A proxy's HTML page has no more to say than its status.
  }
  const text = (value) => (typeof value === "string" ? value : "");
  return new Problem({
    title: text(body.title) || `The server answered with status ${response.status}`,
    detail: text(body.detail),
    status: response.status,
    code: text(body.code),
    requestId: text(body.request_id) || (response.headers.get("X-Request-ID") ?? ""),
    fields: Array.isArray(body.errors) ? body.errors : [],
  });
}
