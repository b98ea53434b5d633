// ---- View: the page, made of text nodes only (nothing that comes from data is ever read as HTML) ------------------------------

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  first: "M5 5h2.5v14H5zM19 5v14L8.5 12z",
  back: "M17 5v14L6.5 12z",
  play: "M7 4.5v15L19.5 12z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  forward: "M7 5v14l10.5-7z",
  last: "M16.5 5H19v14h-2.5zM5 5v14l10.5-7z",
  restore: "M10 4 3 11l7 7v-5h4.5a3 3 0 0 1 0 6H11v2.5h3.5a5.5 5.5 0 0 0 0-11H10z",
  skip: "M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18zM12 5.4a6.6 6.6 0 1 0 0 13.2a6.6 6.6 0 1 0 0-13.2zM6.4 8l1.6-1.6 9.6 9.6-1.6 1.6z",
};

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const focusable = (tag, attributes, ...children) => make(tag, { "data-lm-suppress-shortcuts": "true", ...attributes }, ...children);

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", ICONS[name]);
  return svg;
}

/** Text as the only content of a node; a text node that is there is used again, which costs the page less. */
function setText(node, text) {
  if (text && node.firstChild?.nodeType === 3 && node.firstChild === node.lastChild) node.firstChild.data = text;
  else node.textContent = text;
}

function write(node, text) {
  if (node.written === text) return;
  node.written = text;
  setText(node, text);
}

function hide(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

function flag(node, name, value) {
  if (node.dataset[name] === value) return;
  if (value === undefined) delete node.dataset[name];
  else node.dataset[name] = value;
}
