/** The photo search page: a photo in, its garments outlined, the chosen garment's products. */

import { fetchRetailers, isCancelled, Problem, searchByPhoto } from "./api.js";
import { garmentName, isWholePhoto } from "./garments.js";
import { GarmentList } from "./garment_list.js";
import { showLooks } from "./look_cards.js";
import { wantsKey } from "./key_form.js";
import { listenForPhotos } from "./photo_intake.js";
import { PhotoStage } from "./photo_stage.js";
import { clearProblem, mayPass, showProblem } from "./problem_notice.js";
import { showProducts } from "./product_cards.js";
import { offerRetailers } from "./retailer_choice.js";
import { answersTo, watchProducts } from "./shopper_events.js";
import { isGood } from "./verdicts.js";

const at = (id) => document.getElementById(id);
const stage = new PhotoStage(chooseByHand);
const list = new GarmentList(chooseByHand);
const maxBytes = Number(at("drop-zone").dataset.maxBytes);

/** What is on the page: the photo, the running request, the answer, the chosen garment. */
const page = { photo: null, running: null, reply: null, chosenId: null };

listenForPhotos({
  onPhoto: (photo) => search({ blob: photo, name: photo.name || "pasted" }),
  onSample: searchSample,
  onOther: (message) => fail(new Problem({ title: "Nothing to search with", detail: message, status: 400 })),
});
at("cancel").addEventListener("click", cancel);
for (const wish of ["retailer", "color", "in-stock-only"]) {
  at(wish).addEventListener("change", () => page.photo && search(page.photo));
}
at("options").addEventListener("submit", (event) => event.preventDefault());
offerRetailersWhereSeveral();
watchProducts(at("products-list"), at("looks-list"));

/**
 * Searches with a photo; a search still running is cancelled.
 * @param {{blob: Blob, name: string, sample?: HTMLElement, imageId?: string}} photo `sample` is the thumbnail it came
 *   from, `imageId` what the server remembers it by, once it has answered.
 */
async function search(photo) {
  const request = begin();
  markSample(photo.sample);
  if (photo.blob.size > maxBytes) {
    fail(tooLarge(photo.blob.size));
    return;
  }
  page.photo = photo;
  at("outcome").hidden = false;
  stage.showPhoto(photo.blob);
  bringIntoView(at("progress"));
  await answered(
    request,
    async () => {
      const reply = await searchByPhoto({
        photo: photo.blob,
        fileName: photo.name,
        imageId: photo.imageId,
        wishes: { retailer: at("retailer").value, color: at("color").value, in_stock: at("in-stock-only").checked },
        signal: request.signal,
      });
      photo.imageId = reply.image_id;
      await showReply(reply, request);
    },
    () => search(photo),
  );
}

/** Fetches a sample and searches with it. */
async function searchSample(button) {
  const request = begin();
  await answered(
    request,
    async () => {
      const response = await fetch(button.dataset.sampleUrl, { signal: request.signal }).catch((error) => {
        throw isCancelled(error) ? error : new Problem({ title: "The sample photo could not be loaded" });
      });
      if (!response.ok) throw new Problem({ title: "The sample photo could not be loaded", status: response.status });
      const blob = await response.blob();
      if (!request.signal.aborted) await search({ blob, name: button.dataset.sampleName, sample: button });
    },
    () => searchSample(button),
  );
}

/** Cancels what runs, empties the page and shows that something is on its way. */
function begin() {
  page.running?.abort();
  const request = new AbortController();
  Object.assign(page, { photo: null, running: request, reply: null, chosenId: null });
  clearProblem(at("problem"));
  stage.clearGarments();
  list.show([]);
  at("facts").textContent = "";
  at("products").hidden = true;
  at("looks").hidden = true;
  at("progress").hidden = false;
  at("outcome").setAttribute("aria-busy", "true");
  say("Looking for garments…");
  return request;
}

/** Runs `work`; shows its problem unless a newer request has taken over. */
async function answered(request, work, retry) {
  try {
    await work();
  } catch (error) {
    if (isCancelled(error) || page.running !== request) return;
    if (!(error instanceof Problem)) {
      fail(new Problem({ title: "The page failed to show the answer", detail: String(error), status: 500 }));
      throw error;
    }
    fail(error, mayPass(error) ? retry : null);
  }
}

async function showReply(reply, request) {
  await stage.showGarments(reply.objects, reply.image);
  if (page.running !== request) return;
  page.reply = reply;
  answersTo(reply);
  finish();
  list.show(reply.objects);
  at("facts").textContent = facts(reply);
  const summary = inShort(reply.objects);
  if (reply.objects.length === 0) {
    say(summary);
    at("facts").textContent = `${summary} ${facts(reply)}`;
    return;
  }
  at("products").hidden = false;
  showLooks(reply);
  page.chosenId = (reply.objects.find(isGood) ?? reply.objects[0]).object_id;
  say(`${summary} ${showChosen()}`);
}

/** A garment chosen by a person: its products are shown, and brought into view where they are below the fold. */
function chooseByHand(objectId) {
  page.chosenId = objectId;
  say(showChosen());
  bringIntoView(at("products-title"));
}

/** Scrolls to what does not begin in the upper half of the window. */
function bringIntoView(node) {
  const { top } = node.getBoundingClientRect();
  if (top >= 0 && top < window.innerHeight / 2) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ behavior: isCalm ? "auto" : "smooth", block: "start" });
}

function showChosen() {
  const chosen = page.reply.objects.find((found) => found.object_id === page.chosenId);
  if (!chosen) return "";
  stage.select(page.chosenId);
  list.select(page.chosenId);
  return showProducts(chosen, page.reply.calibrated, say);
}

function cancel() {
  page.running?.abort();
  finish();
  page.photo = null;
  markSample(null);
  at("outcome").hidden = true;
  say("Cancelled.");
}

function fail(problem, retry = null) {
  page.running?.abort();
  finish();
  at("outcome").hidden = true;
  say("");
  showProblem(at("problem"), problem, retry);
}

function finish() {
  page.running = null;
  at("progress").hidden = true;
  at("outcome").removeAttribute("aria-busy");
}

function say(words) {
  at("status").textContent = words;
}

function inShort(objects) {
  if (objects.length === 0) return "No garment was recognised, and nothing in the catalog looks like the photo.";
  if (objects.every(isWholePhoto)) return "No garment was recognised.";
  const names = objects.map(garmentName).join(", ");
  return objects.length === 1 ? `1 garment found: ${names}.` : `${objects.length} garments found: ${names}.`;
}

function facts(reply) {
  const n = reply.objects.filter((found) => !isWholePhoto(found)).length;
  const garments = n === 1 ? "1 garment" : `${n} garments`;
  const versions = `model ${reply.model_version} · index ${reply.index_version}`;
  return `${garments} in ${Math.round(reply.timings_ms.total)} ms · ${versions}`;
}

function tooLarge(bytes) {
  const megabytes = (value) => (value / 1024 / 1024).toFixed(1);
  return new Problem({
    title: "The photo is too large",
    detail: `It has ${megabytes(bytes)} MB; at most ${megabytes(maxBytes)} MB are accepted.`,
    status: 413,
  });
}

function markSample(chosen = null) {
  for (const sample of document.querySelectorAll("[data-sample-url]")) {
    sample.setAttribute("aria-pressed", String(sample === chosen));
  }
}

/** One retailer is no choice; without the list the search still works, over all of them. A key is asked for at once. */
async function offerRetailersWhereSeveral() {
  try {
    const retailers = await fetchRetailers();
    if (!page.photo) clearProblem(at("problem"));
    if (retailers.length < 2) return;
    offerRetailers(at("retailer"), retailers);
    at("retailer-field").hidden = false;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (wantsKey(error) && !page.running) showProblem(at("problem"), error, offerRetailersWhereSeveral);
  }
}
