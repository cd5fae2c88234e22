/** Building elements from data. Data enter as text nodes and attributes only, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element.
 * @param {string} tag
 * @param {Object<string, string|number|boolean|null>} attributes null and false leave the attribute out.
 * @param {...(Node|string)} children Strings become text, whatever they contain.
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an SVG element; arguments as for `element`. */
export function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * An address that a page may link to or load: http and https only, so `javascript:` and `data:` never pass.
 * @returns {string|null} The absolute address, or null where there is none or it is not the web's.
 */
export function webAddress(address) {
  if (typeof address !== "string" || address.trim() === "") return null;
  if (!URL.canParse(address, document.baseURI)) return null;
  const url = new URL(address, document.baseURI);
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}
