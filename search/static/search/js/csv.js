/** Tables as CSV (RFC 4180), and handing them to the person as a file. */

/** @param {(string|number)[][]} rows @returns {string} Lines ended by CR LF, cells quoted where they must be. */
export function csvOf(rows) {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Saves text as a file in the person's download folder. */
export function download(text, fileName) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000); // The download starts after this task.
}

/** A spreadsheet would run a text that starts like a formula; a leading apostrophe keeps it a text. */
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
