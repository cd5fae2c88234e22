/** The ways a photo comes in: chosen, taken, dropped, pasted, or a sample clicked. */

/**
 * Listens on the page's controls.
 * @param {Object<string, Function>} heard `onPhoto(file)`, `onSample(button)`, and `onOther(message)` for a drop
 *   that holds no file.
 */
export function listenForPhotos({ onPhoto, onSample, onOther }) {
  for (const input of document.querySelectorAll("#photo-file, #photo-camera")) {
    input.addEventListener("change", () => {
      const [photo] = input.files;
      if (photo) onPhoto(photo);
      input.value = ""; // The same file chosen again is a new search.
    });
  }
  for (const sample of document.querySelectorAll("[data-sample-url]")) {
    sample.addEventListener("click", () => onSample(sample));
  }
  document.addEventListener("paste", (event) => {
    const photo = firstPhoto(event.clipboardData);
    if (!photo) return;
    event.preventDefault();
    onPhoto(photo);
  });
  listenForDrops(document.getElementById("drop-zone"), onPhoto, onOther);
}

/** The whole page takes drops: a photo that misses the frame must not make the browser leave the page. */
function listenForDrops(zone, onPhoto, onOther) {
  const highlight = (on) => zone.classList.toggle("is-target", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    highlight(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) highlight(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    highlight(false);
    const photo = firstPhoto(event.dataTransfer);
    if (photo) onPhoto(photo);
    else onOther("What was dropped holds no file. Save the picture first, then drop the file.");
  });
}

/** The first picture among several files, else the first file: the API says what is wrong with it. */
function firstPhoto(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}
