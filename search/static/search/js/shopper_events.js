/**
 * Tells the server which products of an answer were seen and which were opened, so that trends know what searches are
 * good for. No name, no cookie, nothing about the person goes along; who asks not to be followed is not.
 */

import { callerHeaders } from "./caller_key.js";

const EVENTS = "/api/events";
const SENT_AFTER_MS = 2000;
/** A browser lets a page that is left send 64 KiB; an event has about a quarter of one. */
const MOST_AT_ONCE = 100;

let searchId = null;
let waiting = [];
let timer = null;
let isRefused = navigator.globalPrivacyControl === true;
const seen = new Set();
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      if (isNew(target)) note("view", target);
    }
  },
  { threshold: 0.5 },
);

/** What is shown from now on answers this search. */
export function answersTo(reply) {
  if (searchId !== reply.search_id) seen.clear();
  searchId = reply.search_id;
}

/**
 * Watches the products that come into these places, each a card with `data-product-id`, `data-retailer`, `data-rank`;
 * `data-object-id` stands on it or on its place.
 * @param {...HTMLElement} places
 */
export function watchProducts(...places) {
  if (isRefused) return;
  const arrivals = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node instanceof Element) cardsIn(node).forEach((card) => sight.observe(card));
      }
    }
  });
  for (const place of places) {
    arrivals.observe(place, { childList: true, subtree: true });
    // The middle button opens a link too.
    for (const press of ["click", "auxclick"]) place.addEventListener(press, opened);
  }
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
  addEventListener("pagehide", send);
}

function opened(event) {
  const card = event.target.closest("a")?.closest("[data-product-id]");
  if (card && event.button < 2) note("click", card);
}

function cardsIn(node) {
  return node.matches("[data-product-id]") ? [node] : [...node.querySelectorAll("[data-product-id]")];
}

function isNew(card) {
  const key = JSON.stringify([card.dataset.retailer, card.dataset.productId, objectOf(card)]);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function objectOf(card) {
  return card.closest("[data-object-id]")?.dataset.objectId;
}

function note(type, card) {
  if (isRefused || !searchId) return;
  const { productId, retailer, rank } = card.dataset;
  const told = { event_id: randomId(), type, product_id: productId, retailer, search_id: searchId };
  if (rank) told.rank = Number(rank);
  if (objectOf(card)) told.object_id = Number(objectOf(card));
  waiting.push({ ...told, occurred_at: new Date().toISOString() });
  if (waiting.length >= MOST_AT_ONCE) send();
  else timer ??= setTimeout(send, SENT_AFTER_MS);
}

/** Sends what waits. Nobody is told where it fails: shoppers have no use for it, and the next batch may pass. */
async function send() {
  clearTimeout(timer);
  timer = null;
  if (waiting.length === 0 || isRefused) return;
  const body = JSON.stringify({ events: waiting.splice(0, MOST_AT_ONCE) });
  const headers = { "Content-Type": "application/json", ...callerHeaders("POST") };
  try {
    const response = await fetch(EVENTS, { method: "POST", body, headers, keepalive: true });
    isRefused = response.status === 401 || response.status === 403;
  } catch {
    // Out of reach.
  }
}

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
