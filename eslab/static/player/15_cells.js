// ---- Cells: a value of a state as it is written in a table, with what it was before ----------------------------------------

/** A value as pieces of [tag, text]: what it was (del), what it is (ins), or plain text; in brief without what it was. */
export function pieces(value, node, brief = false) {
  if (node?.mark === "=") return brief ? [["ins", inline(value)]] : [["del", inline(node.old, 60)], ["i", "→"], ["ins", inline(value)]];
  if (node?.mark === "+") return [["ins", inline(value)]];
  if (node?.mark === "-") return [["del", inline(node.old ?? value)]];
  if (!node?.children) return [["", inline(value, 400)]];
  if (!isShortList(value)) return [["ins", inline(value)]];
  const items = value.map((item, index) => pieces(item, node.children.get(index)));
  for (const { value: old } of gone(node)) items.push([["del", inline(old)]]);
  return items.flatMap((item, index) => (index ? [["", ", "], ...item] : item));
}

const quiet = (value) => value === null || value === undefined || value === "" || (isNested(value) && !(value.size ?? value.length));
const isNumeric = (value) => typeof value === "number" || (typeof value === "string" && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value));

/** Write a value into a cell, if it is not there yet; in brief what it was stands in the title alone. */
function writeValue(cell, value, node, brief = false) {
  const parts = pieces(value, node, brief);
  const was = brief && node?.mark === "=" ? `was ${inline(node.old, 60)}` : "";
  const text = parts.map(([tag, part]) => tag + part).join("\n") + was;
  if (cell.shown === text) return;
  cell.shown = text;
  flag(cell, "changed", node && (node.mark || node.children) ? "true" : undefined);
  flag(cell, "quiet", quiet(value) && !node?.mark ? "true" : undefined);
  if (was || cell.title) cell.title = was;
  if (parts.length === 1 && !parts[0][0]) return setText(cell, parts[0][1]);
  cell.replaceChildren(...parts.flatMap(([tag, part]) => (tag === "i" ? [make(tag, {}, part), make("wbr")] : [tag ? make(tag, {}, part) : part])));
}

/** The sign of a row's change, and what it means. */
function markOf(row) {
  if (row.gone) return ["−", "removed"];
  if (row.node?.mark === "+") return ["+", "added"];
  if (row.moved) return [`${row.moved > 0 ? "▲" : "▼"}${Math.abs(row.moved)}`, row.moved > 0 ? "moved up" : "moved down"];
  return isChanged(row) ? ["●", "changed"] : ["", ""];
}

const LONGEST = 28; // letters; a cell is not made wider than that
const WIDE = /[mwMW@%—…→]/;
const THIN = /[iljtfrI.,:;|'!()[\] -]/;

/** About how wide a text is in bold, in em. */
export function emsOf(text) {
  let ems = 0;
  for (const letter of text) ems += WIDE.test(letter) ? 0.98 : THIN.test(letter) ? 0.42 : 0.68;
  return ems;
}

/** About how wide a cell is, in em; a number that changed can be read whole, "12 → 13". */
export function widthOf(value, node, brief = false) {
  const text = inline(value);
  if (!isNumeric(value)) return Math.min(0.6 * LONGEST, 0.9 * emsOf(text.slice(0, 2 * LONGEST)));
  const old = node?.mark === "=" && !brief ? 0.54 * Math.min(LONGEST, inline(node.old).length) + 0.95 : 0.4;
  return 0.7 * Math.min(LONGEST, text.length) + old;
}

/** About how wide the head of a column is, in em: of its longest part, since it is broken after each "_" alone. */
export function headWidth(column, brief = false) {
  const parts = String(column).slice(0, 80).split(/(?<=_)/);
  return 0.3 + (brief ? 0.74 : 0.82) * Math.min(11, Math.max(...parts.map(emsOf)));
}
