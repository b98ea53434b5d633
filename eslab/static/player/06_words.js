// ---- Words: values as text ------------------------------------------------------------------------------------------------------

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text with what cannot be seen (control and direction characters) written out, and cut at `limit` characters, saying so. */
export function visible(text, limit = 400) {
  const cut = text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
  return cut.replace(UNSEEN, (found) => ESCAPES[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A scalar as it is read: None, True and False as in Python, empty text as "". */
export function scalarText(value, limit) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  return value === "" ? "“”" : visible(String(value), limit);
}

/** Any value in one line, cut at about `limit` characters. */
export function inline(value, limit = 120) {
  if (!isNested(value)) return scalarText(value, limit);
  const parts = [];
  let length = 0;
  for (const [key, item] of value.entries()) {
    const text = isMap(value) ? `${visible(String(key), 40)}: ${inline(item, 40)}` : inline(item, 40);
    length += text.length + 2;
    if (length > limit) return `${parts.join(", ")}, … (${value.size ?? value.length})`.replace(/^, /, "");
    parts.push(text);
  }
  return parts.length ? parts.join(", ") : "empty";
}

/** A count with commas between thousands, as Python's `:,` writes it. */
export const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** One line about an event: the scalars of its payload, read from the undecoded tree. */
export function summary(event) {
  const entries = event.payload?.map ?? [];
  return entries.filter(([, value]) => !isNested(value)).slice(0, 6).map(([, value]) => scalarText(value, 40)).join(" · ");
}

/** `league.ResultRecorded` as ["league.", "ResultRecorded"]. */
export function typeParts(type) {
  const dot = type.lastIndexOf(".") + 1;
  return [type.slice(0, dot), type.slice(dot)];
}

/** A time in milliseconds since 1970, in UTC, without what is zero: "2013-08-17 14:00 UTC". */
export function clock(time) {
  const [day, rest] = new Date(time).toISOString().split("T");
  const [, minutes, seconds, fraction] = /^(\d\d:\d\d):(\d\d)\.(\d+)Z$/.exec(rest);
  const tail = fraction === "000" ? "" : `.${fraction}`;
  return `${day} ${minutes}${seconds === "00" && !tail ? "" : `:${seconds}${tail}`} UTC`;
}

const UNITS = [["year", 31_557_600], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** How much later an event was recorded than it occurred, in words; empty below a second. */
export function lag(occurred, recorded) {
  const seconds = (recorded - occurred) / 1000;
  if (!(Math.abs(seconds) >= 1)) return "";
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  const count = Math.floor(Math.abs(seconds) / size);
  return `${count} ${unit}${count === 1 ? "" : "s"} ${seconds > 0 ? "later" : "earlier"}`;
}

/** A row of a line in words: "event 5 of 20: MoneyDeposited". */
export function positionText(line, row) {
  const count = line.length;
  if (!count) return "no events";
  if (row === 0) return `before the first of ${grouped(count)} events`;
  return `event ${grouped(row)} of ${grouped(count)}: ${visible(typeParts(line.typeName(row))[1], 80)}`;
}
