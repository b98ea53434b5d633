// The replay player: one moment of a history at a time, its state computed in the browser from a trace that was sent once.
// Read it in this order: trees, replay, marks, layout (pure, tested in node), playback (the one timer), view (the page), host.

// ---- Trees: what a trace holds, and the state that it becomes -------------------------------------------------------

/** A trace as an object, from its UTF-8 JSON (any view of the bytes) or as it is. */
export function readTrace(source) {
  const isBytes = ArrayBuffer.isView(source) || source instanceof ArrayBuffer;
  const trace = isBytes ? JSON.parse(new TextDecoder().decode(source)) : source;
  if (!trace || !Array.isArray(trace.events) || !Array.isArray(trace.patches)) {
    throw new Error("found no trace of events and patches: make the player again with timeline.player()");
  }
  if (trace.events.length !== trace.patches.length) {
    throw new Error(`found ${trace.events.length} events and ${trace.patches.length} patches, expected one patch an event`);
  }
  return trace;
}

/** A tree as a state: mappings become Maps, which keep the order of keys that look like numbers. */
export function decode(tree) {
  if (tree === null || typeof tree !== "object") return tree;
  if (Array.isArray(tree)) return tree.map(decode);
  return new Map(tree.map.map(([key, value]) => [key, decode(value)]));
}

export function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (!(value instanceof Map)) return value;
  const twin = new Map();
  for (const [key, item] of value) twin.set(key, copy(item));
  return twin;
}

function sizeOf(value) {
  if (value === null || typeof value !== "object") return 1;
  let size = 1;
  for (const item of value.values()) size += sizeOf(item);
  return size;
}

const isNested = (value) => value !== null && typeof value === "object";
const isMap = (value) => value instanceof Map;

// ---- Replay: from a position to a state ----------------------------------------------------------------------------

function at(root, path) {
  let value = root;
  for (const key of path) value = isMap(value) ? value.get(key) : Array.isArray(value) ? value[key] : undefined;
  if (!isNested(value)) throw new Error(`found no mapping or list at ${path.join(" › ") || "the root"}`);
  return value;
}

function reorder(map, keys) {
  const entries = new Map(map);
  map.clear();
  for (const key of keys) if (entries.has(key)) map.set(key, entries.get(key));
  for (const [key, value] of entries) if (!map.has(key)) map.set(key, value);
}

function assign(box, path, tree) {
  const now = decode(tree);
  if (!path.length) {
    const old = box.root;
    box.root = now;
    return { mark: "=", path, old, now };
  }
  const parent = at(box.root, path.slice(0, -1));
  const key = path[path.length - 1];
  const [had, old] = isMap(parent) ? [parent.has(key), parent.get(key)] : [key < parent.length, parent[key]];
  if (isMap(parent)) parent.set(key, now);
  else parent[key] = now;
  return { mark: had ? "=" : "+", path, old, now };
}

function remove(box, path) {
  const parent = at(box.root, path.slice(0, -1));
  const key = path[path.length - 1];
  if (!isMap(parent)) return { mark: "-", path, old: parent.splice(key, 1)[0] };
  const order = [...parent.keys()];
  const change = { mark: "-", path, old: parent.get(key), order };
  parent.delete(key);
  return change;
}

/** Apply one op to `box.root` in place; the change that is returned says what was there, and can take it back. */
export function applyOp(box, [verb, path, argument]) {
  if (verb === "=") return assign(box, path, argument);
  if (verb === "-") return remove(box, path);
  if (verb !== "o") throw new Error(`found op ${JSON.stringify(verb)}, expected "=", "-" or "o"`);
  const map = at(box.root, path);
  const change = { mark: "o", path, order: [...map.keys()] };
  reorder(map, argument);
  return change;
}

/** Take one change back, in place. Changes of one event are taken back in reverse order. */
export function undo(box, { mark, path, old, order }) {
  if (mark === "o") return reorder(at(box.root, path), order);
  if (!path.length) return void (box.root = old);
  const parent = at(box.root, path.slice(0, -1));
  const key = path[path.length - 1];
  if (mark === "+") return void (isMap(parent) ? parent.delete(key) : parent.splice(key, 1));
  if (!isMap(parent)) return void parent.splice(key, mark === "-" ? 0 : 1, old);
  parent.set(key, old);
  if (order) reorder(parent, order);
}

/** Apply the patch of one event. An op that does not fit is kept as `changes.problem`, and the replay goes on. */
function applyPatch(box, patch) {
  const changes = [];
  try {
    for (const op of patch) changes.push(applyOp(box, op));
  } catch (error) {
    changes.problem = error.message;
  }
  return changes;
}

/**
 * The state after 0 … n events of a trace. Keyframes, `spacing` events apart, bound a seek; when all of them hold more than `budget`
 * values, every second one is dropped and the spacing doubles, so memory stays bounded however long the history is.
 */
export class Replay {
  constructor(trace, { spacing = 64, budget = 1_000_000 } = {}) {
    this.trace = trace;
    this.length = trace.events.length;
    this.position = 0;
    this.box = { root: decode(trace.start) };
    this.taken = []; // the changes of the last events up to the position: what a step back takes back
    this.spacing = spacing;
    this.budget = budget;
    this.keyframes = [decode(trace.start)];
    this.held = sizeOf(this.box.root);
    this.scan = { root: decode(trace.start), position: 0 };
  }

  get state() {
    return this.box.root;
  }

  /** What the event at the position changed; empty at position 0. */
  get changes() {
    return this.position ? this.taken[this.taken.length - 1] : [];
  }

  /** Go to a position in 0 … n and return the state there (owned by the replay: do not change it). */
  seek(position) {
    const target = Math.max(0, Math.min(this.length, position));
    const back = this.position - target;
    if (back > this.spacing || -back > this.spacing || back >= this.taken.length) {
      if (back) this.#jump(target);
    }
    while (this.position < target) this.#forward();
    while (this.position > target) this.#back();
    return this.state;
  }

  /** Make the next keyframe; false when there is none left to make. */
  prepare() {
    const next = this.keyframes.length * this.spacing;
    if (next > this.length) return false;
    while (this.scan.position < next) applyPatch(this.scan, this.trace.patches[this.scan.position++]);
    this.keyframes.push(copy(this.scan.root));
    this.held += sizeOf(this.scan.root);
    if (this.held > this.budget && this.keyframes.length > 4) this.#thin();
    return true;
  }

  #thin() {
    this.keyframes = this.keyframes.filter((_, index) => index % 2 === 0);
    this.held = this.keyframes.reduce((sum, root) => sum + sizeOf(root), 0);
    this.spacing *= 2;
  }

  #jump(target) {
    const wanted = () => Math.max(0, Math.floor((target - 1) / this.spacing)); // before the target: its changes are wanted too
    while (this.keyframes.length <= wanted() && this.prepare());
    this.box = { root: copy(this.keyframes[wanted()]) };
    this.position = wanted() * this.spacing;
    this.taken = [];
  }

  #forward() {
    this.taken.push(applyPatch(this.box, this.trace.patches[this.position]));
    this.position += 1;
    if (this.taken.length > 4 * this.spacing) this.taken = this.taken.slice(-2 * this.spacing);
  }

  #back() {
    const changes = this.taken.pop();
    for (let index = changes.length - 1; index >= 0; index -= 1) undo(this.box, changes[index]);
    this.position -= 1;
  }
}

// ---- Marks: what one event changed, as a tree beside the state -----------------------------------------------------------

const emptyMark = () => ({ mark: null, old: undefined, order: null, children: null });

function childOf(node, key) {
  node.children ??= new Map();
  if (!node.children.has(key)) node.children.set(key, emptyMark());
  return node.children.get(key);
}

const has = (value, key) => (isMap(value) ? value.has(key) : key < value.length);
const get = (value, key) => (isMap(value) ? value.get(key) : value?.[key]);
const alike = (one, other) => isNested(one) && isNested(other) && isMap(one) === isMap(other);

function same(one, other) {
  if (!alike(one, other)) return one === other;
  if ((one.size ?? one.length) !== (other.size ?? other.length)) return false;
  for (const [key, value] of one.entries()) if (!has(other, key) || !same(value, get(other, key))) return false;
  return true;
}

function note(node, mark, old, now) {
  if (mark === "=" && alike(old, now)) return noteInside(node, old, now);
  if (node.mark === "+") return void (node.mark = mark === "-" ? null : "+");
  if (node.mark === null) node.old = old;
  node.mark = node.mark === "-" && mark === "+" ? "=" : mark;
}

function noteInside(node, old, now) {
  for (const [key, value] of now.entries()) {
    if (!has(old, key)) note(childOf(node, key), "+", undefined, value);
    else if (!same(value, get(old, key))) note(childOf(node, key), "=", get(old, key), value);
  }
  for (const [key, value] of old.entries()) if (!has(now, key)) note(childOf(node, key), "-", value, undefined);
}

/** Marks as a tree: each node has `mark` ("+", "=", "-" or null), `old`, `order` (the keys before a new order) and `children`. */
export function marksOf(changes) {
  const root = emptyMark();
  for (const { mark, path, old, now, order } of changes) {
    const node = path.reduce(childOf, root);
    if (mark === "o") node.order ??= order;
    else note(node, mark, old, now);
  }
  return root;
}

/** How far each key that was there before moved up (+) or down (−) among those that are in both orders. */
export function moves(before, after) {
  const was = new Map(before.filter((key) => after.has(key)).map((key, index) => [key, index]));
  const moved = new Map();
  let index = 0;
  for (const key of after.keys()) {
    if (!was.has(key)) continue;
    if (was.get(key) !== index) moved.set(key, was.get(key) - index);
    index += 1;
  }
  return moved;
}

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

/** An ISO time in UTC without what is zero: "2013-08-17 14:00 UTC". */
export function clock(iso) {
  const found = /^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?/.exec(iso ?? "");
  if (!found) return visible(String(iso ?? "unknown"));
  const [, day, time, seconds = "00", fraction = ""] = found;
  const tail = fraction.replace(/0+$/, "") ? `.${fraction.slice(0, 3)}` : "";
  return `${day} ${time}${seconds === "00" && !tail ? "" : `:${seconds}${tail}`} UTC`;
}

const UNITS = [["year", 31_557_600], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** How much later an event was recorded than it occurred, in words; empty below a second. */
export function lag(occurred, recorded) {
  const seconds = (Date.parse(recorded) - Date.parse(occurred)) / 1000;
  if (!(Math.abs(seconds) >= 1)) return "";
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  const count = Math.floor(Math.abs(seconds) / size);
  return `${count} ${unit}${count === 1 ? "" : "s"} ${seconds > 0 ? "later" : "earlier"}`;
}

/** The position in words: "event 5 of 20: MoneyDeposited". */
export function positionText(trace, position) {
  const count = trace.events.length;
  if (!count) return "no events";
  if (position === 0) return `before the first of ${grouped(count)} events`;
  return `event ${grouped(position)} of ${grouped(count)}: ${visible(typeParts(trace.events[position - 1].type)[1], 80)}`;
}

// ---- Layout: a state as blocks to draw ------------------------------------------------------------------------------------------

const columnsOf = (rows) => {
  const columns = new Set();
  for (const [, row] of rows) for (const column of row.keys()) columns.add(column);
  return [...columns];
};

/** The columns of a mapping or list of mappings that have the same keys, at least one of them a scalar throughout; else null. */
export function tableColumns(value) {
  const rows = [...value.entries()];
  if (!rows.length || !rows.every(([, row]) => isMap(row) && row.size)) return null;
  const fewest = Math.min(...rows.map(([, row]) => row.size));
  if (fewest > 14) return null;
  const columns = columnsOf(rows);
  if (columns.length > Math.max(fewest, 1.5 * fewest - 0.5)) return null;
  return columns.some((column) => rows.every(([, row]) => !isNested(row.get(column)))) ? columns : null;
}

const cellsOf = (text) => (typeof text === "string" ? text.split(" ") : []);

/** Whether a mapping is a board: at least three lines of text, each of as many single signs ("♜ ♞ · ♟"). */
export function isBoard(value) {
  if (!isMap(value) || value.size < 3) return false;
  const width = cellsOf(value.values().next().value).length;
  if (width < 3) return false;
  for (const line of value.values()) {
    const cells = cellsOf(line);
    if (cells.length !== width || cells.some((cell) => !cell || cell.length > 2)) return false;
  }
  return true;
}

const gone = (node) => [...(node?.children ?? [])].filter(([, child]) => child.mark === "-").map(([key, child]) => ({ key, value: child.old, node: child, gone: true, moved: 0 }));

function rowsOf(entries, node, order) {
  const moved = node?.order ? moves(node.order.filter((key) => node.children?.get(key)?.mark !== "+"), order) : null;
  const rows = entries.map(([key, value]) => ({ key, value, node: node?.children?.get(key), gone: false, moved: moved?.get(key) ?? 0 }));
  return node?.children ? rows.concat(gone(node)) : rows;
}

const isShortList = (value) => Array.isArray(value) && value.length <= 40 && !value.some(isNested);
const staysInline = (value) => !isNested(value) || isShortList(value) || (isMap(value) && value.size === 0);

function nestedBlocks(value, path, node, blocks, depth) {
  const entries = [...value.entries()];
  const flat = entries.filter(([, item]) => staysInline(item) || depth > 8);
  const rows = rowsOf(flat, node, isMap(value) ? new Map(flat) : new Map());
  if (rows.length) blocks.push({ kind: "pairs", path, rows });
  if (depth > 8) return;
  for (const [key, item] of entries) if (!staysInline(item)) addBlocks(item, [...path, key], node?.children?.get(key), blocks, depth + 1);
}

function addBlocks(value, path, node, blocks, depth) {
  const columns = tableColumns(value);
  if (isBoard(value)) blocks.push({ kind: "board", path, rows: rowsOf([...value], node, value) });
  else if (columns) blocks.push({ kind: "table", path, columns, rows: rowsOf([...value.entries()], node, isMap(value) ? value : new Map()) });
  else nestedBlocks(value, path, node, blocks, depth);
}

/** A state as blocks from top to bottom: one value, boards, pairs of key and value, tables; each with the path it stands at. */
export function layout(state, marks) {
  if (!isNested(state)) return [{ kind: "value", path: [], value: state, node: marks, rows: [] }];
  const blocks = [];
  addBlocks(state, [], marks, blocks, 0);
  blocks.sort((one, other) => (other.kind === "board") - (one.kind === "board"));
  return blocks.length ? blocks : [{ kind: "note", path: [], text: "empty", rows: [] }];
}

/** What changed, in words, at most `limit` of them: ["Arsenal › points 8 → 11", "+ Chelsea", …]. */
export function changeWords(marks, state, limit = 30) {
  const words = [];
  const walk = (node, value, path) => {
    if (words.length >= limit) return;
    const name = path.map((key) => visible(String(key), 40)).join(" › ");
    if (node.mark === "=") words.push(`${name} ${inline(node.old, 24)} → ${inline(value, 24)}`.trim());
    else if (node.mark) words.push(`${node.mark === "+" ? "+" : "−"} ${name}`);
    else if (node.children && isBoard(value)) words.push(`${name || "board"} changed`);
    else for (const [key, child] of node.children ?? []) walk(child, get(value, key), [...path, key]);
  };
  walk(marks, state, []);
  return words;
}

/** The rows [first, last) of `count` that a scrolled window shows, with `extra` rows above and below. */
export function windowOf(scrollTop, height, rowHeight, count, extra = 6) {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight) - extra));
  return [first, Math.max(first, Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + extra))];
}

/** The scroll position nearest to `scrollTop` that shows [top, top + size) with `margin` to spare in a pane of that height. */
export function scrollToShow(scrollTop, height, top, size, margin) {
  const room = Math.max(0, Math.min(margin, (height - size) / 2));
  if (top - room < scrollTop) return Math.max(0, top - room);
  return top + size + room > scrollTop + height ? top + size + room - height : scrollTop;
}

// ---- Playback: one position and one timer, however many views -------------------------------------------------------------

const REAL_TIME = { now: () => performance.now(), every: (ms, act) => setInterval(act, ms), stop: (timer) => clearInterval(timer) };

/** Events a second that a viewer can choose from. */
export const SPEEDS = [0.5, 1, 2, 5, 10, 30, 100];

/** The slowest speed from 2 events a second up that shows `length` events within a minute and a half. */
export function fittingSpeed(length) {
  return SPEEDS.find((speed) => speed >= 2 && length / speed <= 90) ?? SPEEDS[SPEEDS.length - 1];
}

/** A position in 0 … length that is stepped by hand or played by one timer; listeners are told of every change. */
export class Playback {
  constructor(length, time = REAL_TIME) {
    this.length = length;
    this.time = time;
    this.position = 0;
    this.speed = fittingSpeed(length);
    this.timer = null;
    this.listeners = new Set();
  }

  get playing() {
    return this.timer !== null;
  }

  /** Call `listener` after every change; the function returned ends that. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #tell() {
    for (const listener of this.listeners) listener(this);
  }

  goTo(position) {
    const target = Math.max(0, Math.min(this.length, Math.round(Number(position) || 0)));
    if (target === this.position) return;
    this.position = target;
    this.#tell();
  }

  /** Go to a position by hand, which pauses. */
  jump(position) {
    this.pause();
    this.goTo(position);
  }

  play() {
    if (this.playing || !this.length) return;
    if (this.position === this.length) this.position = 0;
    this.last = this.time.now();
    this.timer = this.time.every(Math.max(16, 1000 / this.speed), () => this.#tick());
    this.#tell();
  }

  pause() {
    if (!this.playing) return;
    this.time.stop(this.timer);
    this.timer = null;
    this.#tell();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  setSpeed(speed) {
    const playing = this.playing;
    this.pause();
    this.speed = speed;
    if (playing) this.play();
    else this.#tell();
  }

  #tick() {
    const due = ((this.time.now() - this.last) * this.speed) / 1000;
    const steps = Math.min(Math.floor(due + 0.2), Math.max(1, Math.ceil(this.speed / 4))); // never a burst after a sleep
    if (steps < 1) return;
    this.last = due > 2 * steps ? this.time.now() : this.last + (steps * 1000) / this.speed;
    this.goTo(this.position + steps);
    if (this.position === this.length) this.pause();
  }
}

// ---- View: the page, made of text nodes only (nothing that comes from data is ever read as HTML) ------------------------------

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  first: "M5 5h2.5v14H5zM19 5v14L8.5 12z",
  back: "M17 5v14L6.5 12z",
  play: "M7 4.5v15L19.5 12z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  forward: "M7 5v14l10.5-7z",
  last: "M16.5 5H19v14h-2.5zM5 5v14l10.5-7z",
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

function write(node, text) {
  if (node.written === text) return;
  node.written = text;
  node.textContent = text;
}

function flag(node, name, value) {
  if (node.dataset[name] === value) return;
  if (value === undefined) delete node.dataset[name];
  else node.dataset[name] = value;
}

/** The transport: first, back, play, forward, last, the slider and the speed. */
class Transport {
  constructor(trace, playback) {
    this.trace = trace;
    this.playback = playback;
    const go = (target) => () => playback.jump(target());
    this.first = this.#button("first", "First: before any event (Home)", go(() => 0));
    this.back = this.#button("back", "One event back (left arrow)", go(() => playback.position - 1));
    this.forward = this.#button("forward", "One event forward (right arrow)", go(() => playback.position + 1));
    this.last = this.#button("last", "Last event (End)", go(() => playback.length));
    this.play = this.#button("play", "Play", () => playback.toggle());
    this.play.classList.add("eslab-play");
    this.word = this.play.appendChild(make("span", {}, "Play"));
    this.slider = focusable("input", { type: "range", min: 0, max: playback.length, step: 1, class: "eslab-slider", "aria-label": "Position in the history" });
    this.slider.addEventListener("input", () => playback.jump(this.slider.valueAsNumber));
    this.speed = focusable("select", { "aria-label": "Speed in events a second", title: "Speed in events a second" });
    for (const speed of SPEEDS) this.speed.append(make("option", { value: speed }, `${speed === 0.5 ? "½" : speed} / s`));
    this.speed.addEventListener("change", () => playback.setSpeed(Number(this.speed.value)));
    this.node = make("div", { class: "eslab-transport" }, this.first, this.back, this.play, this.forward, this.last, this.slider, this.speed);
  }

  #button(name, label, act) {
    const button = focusable("button", { type: "button", title: label, "aria-label": label }, icon(name));
    button.addEventListener("click", act);
    return button;
  }

  update({ position, length, playing, speed }) {
    this.slider.value = position;
    this.slider.style.setProperty("--filled", `${length ? (100 * position) / length : 0}%`);
    this.slider.setAttribute("aria-valuetext", positionText(this.trace, position));
    this.slider.disabled = this.play.disabled = length === 0;
    this.first.disabled = this.back.disabled = position === 0;
    this.forward.disabled = this.last.disabled = position === length;
    this.speed.value = speed;
    if (this.word.written === (playing ? "Pause" : "Play")) return;
    write(this.word, playing ? "Pause" : "Play");
    this.play.setAttribute("aria-label", playing ? "Pause (space)" : "Play (space)");
    this.play.title = playing ? "Pause (space)" : "Play (space)";
    this.play.firstChild.replaceWith(icon(playing ? "pause" : "play"));
  }
}

const LIST_ROW = 26;
let views = 0;

/** The list of events, of which only the rows in sight are in the page; row 0 is the moment before the first event. */
class EventList {
  constructor(trace, playback) {
    this.trace = trace;
    this.playback = playback;
    this.name = `eslab-${(views += 1)}-event-`;
    this.count = trace.events.length + 1;
    this.rows = new Map();
    this.top = 0;
    this.height = 200;
    this.space = make("div", { class: "eslab-space", role: "presentation" });
    this.space.style.height = `${this.count * LIST_ROW}px`;
    this.node = focusable("div", { class: "eslab-list", role: "listbox", tabindex: "0", "aria-label": "Events" }, this.space);
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.node.addEventListener("click", (event) => this.#clicked(event));
  }

  #scrolled() {
    this.top = this.node.scrollTop;
    this.draw();
  }

  #clicked(event) {
    const row = event.target.closest(".eslab-event");
    if (row) this.playback.jump(row.index);
  }

  resize() {
    this.height = this.node.clientHeight;
    this.update();
  }

  update() {
    const top = scrollToShow(this.top, this.height, this.playback.position * LIST_ROW, LIST_ROW, 2 * LIST_ROW);
    if (top !== this.top) this.node.scrollTop = this.top = Math.min(top, Math.max(0, this.count * LIST_ROW - this.height));
    this.draw();
    this.node.setAttribute("aria-activedescendant", this.name + this.playback.position);
  }

  draw() {
    const [first, last] = windowOf(this.top, this.height, LIST_ROW, this.count);
    const free = [];
    for (const [index, row] of this.rows) if (index < first || index >= last) free.push(row) && this.rows.delete(index);
    for (let index = first; index < last; index += 1) {
      if (!this.rows.has(index)) this.rows.set(index, this.#fill(free.pop() ?? this.#row(), index));
      const row = this.rows.get(index);
      const { position } = this.playback;
      const status = index < position ? "past" : index > position ? "future" : "current";
      if (row.dataset.status !== status) this.#setStatus(row, status);
    }
    for (const row of free) row.remove();
  }

  #row() {
    const row = make("div", { class: "eslab-event", role: "option", "aria-setsize": this.count });
    for (const name of ["dot", "number", "type", "summary"]) row[name] = row.appendChild(make("span", { class: `eslab-${name}` }));
    return row;
  }

  #fill(row, index) {
    const event = this.trace.events[index - 1];
    row.index = index;
    row.id = this.name + index;
    row.style.transform = `translateY(${index * LIST_ROW}px)`;
    row.setAttribute("aria-posinset", index + 1);
    flag(row, "error", event?.error ? "true" : undefined);
    write(row.number, String(index));
    write(row.type, event ? visible(typeParts(event.type)[1], 80) : "before the first event");
    write(row.summary, event ? summary(event) : "");
    flag(row, "status", undefined);
    if (!row.parentNode) this.space.append(row);
    return row;
  }

  #setStatus(row, status) {
    row.dataset.status = status;
    row.setAttribute("aria-selected", status === "current");
    const notes = [status === "future" ? "still to come" : "", row.dataset.error ? "the fold failed here" : ""].filter(Boolean);
    const words = [row.index, row.type.written, row.summary.written, ...notes].filter((word) => word !== "");
    row.setAttribute("aria-label", words.join(", "));
    row.title = words.slice(1).join(" · ");
  }
}

// -- values, tables and boards of a state

/** A value as pieces of [tag, text]: what it was (del), what it is (ins), or plain text. */
function pieces(value, node) {
  if (node?.mark === "=") return [["del", inline(node.old, 60)], ["i", "→"], ["ins", inline(value)]];
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

function writeValue(cell, value, node) {
  const parts = pieces(value, node);
  const text = parts.map(([tag, part]) => tag + part).join("\n");
  if (cell.shown === text) return;
  cell.shown = text;
  flag(cell, "changed", node && (node.mark || node.children) ? "true" : undefined);
  flag(cell, "quiet", quiet(value) && !node?.mark ? "true" : undefined);
  if (parts.length === 1 && !parts[0][0]) return void (cell.textContent = parts[0][1]);
  cell.replaceChildren(...parts.map(([tag, part]) => (tag ? make(tag, {}, part) : part)));
}

const isChanged = (row) => Boolean(row.moved || (row.node && (row.node.mark || row.node.children || row.node.order)));

function markOf(row) {
  if (row.gone) return ["−", "removed"];
  if (row.node?.mark === "+") return ["+", "added"];
  if (row.moved) return [`${row.moved > 0 ? "▲" : "▼"}${Math.abs(row.moved)}`, row.moved > 0 ? "moved up" : "moved down"];
  return isChanged(row) ? ["●", "changed"] : ["", ""];
}

/** About how many characters wide a cell is; a number that changed can be read whole, "12 → 13". */
function widthOf(value, node) {
  const length = Math.min(28, inline(value).length);
  if (!isNumeric(value)) return length;
  return node?.mark === "=" ? 0.9 * Math.min(28, inline(node.old).length) + 1.2 * length + 0.9 : length + 2.5;
}

const TALL = 120; // a table with more rows than this is windowed
const ROW = 26;

/** Rows of a state as a table: pairs of key and value, or a table with a column for each key. */
class TableView {
  constructor() {
    this.caption = make("caption");
    this.head = make("tr");
    this.above = make("tr", { class: "eslab-gap", "aria-hidden": "true" }, make("td"));
    this.below = make("tr", { class: "eslab-gap", "aria-hidden": "true" }, make("td"));
    this.body = make("tbody", {}, this.above, this.below);
    this.columnList = make("colgroup");
    this.node = make("table", {}, this.caption, this.columnList, make("thead", {}, this.head), this.body);
    this.shown = new Map();
    this.widths = [];
    this.columns = [];
  }

  update(block, viewport) {
    this.block = block;
    const tall = block.rows.length > TALL;
    const size = tall ? "tall" : block.kind === "table" && block.rows.length > 12 ? "dense" : "roomy";
    flag(this.node, "size", size);
    flag(this.node, "kind", block.kind);
    write(this.caption, block.path.map((key) => visible(String(key), 60)).join(" › "));
    this.caption.hidden = !block.path.length;
    this.#setColumns(block.columns ?? []);
    this.draw(viewport);
  }

  #setColumns(columns) {
    if (columns.length === this.columns.length && columns.every((column, index) => column === this.columns[index])) return;
    this.columns = columns;
    this.widths = columns.map(() => 0);
    this.keyWidth = 0;
    this.body.replaceChildren(this.above, this.below);
    this.shown.clear();
    this.columnList.replaceChildren(...(columns.length ? ["", ...columns] : []).map(() => make("col")));
    this.heads = columns.map((column) => make("th", { scope: "col" }, ...String(column).split(/(?<=_)/).flatMap((part) => [visible(part, 40), make("wbr")])));
    this.head.replaceChildren(...(columns.length ? [make("td"), ...this.heads] : []));
    this.head.parentNode.hidden = !columns.length;
    this.above.firstChild.colSpan = this.below.firstChild.colSpan = Math.max(2, columns.length + 1);
  }

  /** Draw the rows in sight: all of them, or the window of a tall table. */
  draw({ top, height }) {
    const { rows } = this.block;
    const tall = rows.length > TALL;
    const [first, last] = tall ? windowOf(top - (this.bodyTop ?? 0), height, ROW, rows.length, 8) : [0, rows.length];
    this.above.firstChild.style.height = `${first * ROW}px`;
    this.below.firstChild.style.height = `${(rows.length - last) * ROW}px`;
    this.above.hidden = this.below.hidden = !tall;
    if (tall) this.node.setAttribute("aria-rowcount", rows.length);
    this.#place(rows.slice(first, last));
    this.#setWidths();
  }

  #place(rows) {
    const wanted = new Set(rows.map((row) => this.#keyOf(row)));
    const free = [];
    for (const [key, node] of this.shown) if (!wanted.has(key)) free.push(node) && this.shown.delete(key);
    let cursor = this.above.nextSibling;
    for (const row of rows) {
      const key = this.#keyOf(row);
      const node = this.shown.get(key) ?? free.pop() ?? this.#row();
      this.shown.set(key, node);
      if (node === cursor) cursor = cursor.nextSibling;
      else this.body.insertBefore(node, cursor);
      this.#fill(node, row);
    }
    for (const node of free) node.remove();
  }

  #keyOf(row) {
    return (row.gone ? "- " : "  ") + row.key;
  }

  #row() {
    const mark = make("span", { class: "eslab-mark" });
    const name = make("span", { class: "eslab-key" });
    const row = make("tr", {}, make("th", { scope: "row" }, mark, name), ...(this.columns.length ? this.columns : [0]).map(() => make("td")));
    return Object.assign(row, { mark, keyName: name, fields: [...row.children].slice(1) });
  }

  #fill(node, row) {
    const [sign, meaning] = markOf(row);
    write(node.mark, sign);
    if (node.mark.title !== meaning) node.mark.title = meaning;
    write(node.keyName, visible(String(row.key), 120));
    flag(node, "row", meaning || undefined);
    if (!this.columns.length) writeValue(node.fields[0], row.value, row.node);
    else this.columns.forEach((column, index) => this.#fillCell(node.fields[index], row, column, index));
    this.keyWidth = Math.max(this.keyWidth ?? 0, Math.min(26, node.keyName.written.length));
  }

  #fillCell(cell, row, column, index) {
    const present = isMap(row.value) && row.value.has(column);
    const value = present ? row.value.get(column) : undefined;
    const whole = row.gone ? { mark: "-", old: value } : row.node?.mark === "+" ? { mark: "+" } : row.node?.children?.get(column);
    if (!present && !whole?.mark) return void (cell.shown === "" || ((cell.shown = ""), (cell.textContent = "")));
    writeValue(cell, value, whole);
    flag(cell, "number", isNumeric(value) ? "true" : undefined);
    flag(this.heads[index], "number", isNumeric(value) ? "true" : undefined);
    this.widths[index] = Math.max(this.widths[index], widthOf(value, whole));
  }

  #setWidths() {
    if (!this.columns.length) return;
    const heads = this.columns.map((column) => Math.min(14, Math.max(...String(column).split(/(?<=_)/).map((part) => part.length))));
    const letter = this.node.dataset.size === "dense" ? 7.2 : 8.6;
    const widths = [24 + this.keyWidth * letter, ...this.widths.map((width, index) => Math.max(width * 7.4, heads[index] * 6.5 + 3))];
    widths.forEach((width, index) => {
      const column = this.columnList.children[index];
      if (column.set !== width) column.style.width = `calc(${(column.set = width)}px + var(--cell-padding))`;
    });
  }

  /** Top and bottom, in pixels from the top of the pane, of the rows that changed; null when none did. Reads the page. */
  changedSpan() {
    const indexes = this.block.rows.flatMap((row, index) => (isChanged(row) ? [index] : []));
    if (!indexes.length) return null;
    const start = this.node.offsetTop;
    if (this.block.rows.length > TALL) {
      this.bodyTop = start + this.above.offsetTop;
      return [this.bodyTop + indexes[0] * ROW, this.bodyTop + (indexes[indexes.length - 1] + 1) * ROW];
    }
    const ends = [indexes[0], indexes[indexes.length - 1]].map((index) => this.shown.get(this.#keyOf(this.block.rows[index])));
    return [start + ends[0].offsetTop, start + ends[1].offsetTop + ends[1].offsetHeight];
  }

  /** Let rows that changed places slide there. */
  slide() {
    if (this.block.rows.length > TALL) return;
    const moved = this.block.rows.filter((row) => row.moved);
    const height = moved.length ? this.shown.get(this.#keyOf(moved[0])).offsetHeight : 0;
    for (const row of moved) {
      const frames = [{ transform: `translateY(${row.moved * height}px)` }, { transform: "none" }];
      this.shown.get(this.#keyOf(row)).animate(frames, { duration: 260, easing: "ease-out" });
    }
  }
}

/** A board: lines of single signs, drawn as squares; a square that changed has a ring. */
class BoardView {
  constructor() {
    this.caption = make("caption");
    this.body = make("tbody");
    this.node = make("table", {}, this.caption, this.body);
  }

  update({ path, rows }) {
    write(this.caption, path.map((key) => visible(String(key), 60)).join(" › "));
    this.caption.hidden = !path.length;
    const lines = rows.filter((row) => !row.gone);
    const isChess = lines.some(({ value }) => /[♔-♟]/.test(value));
    flag(this.node, "kind", isChess ? "chess" : "board");
    const width = cellsOf(lines[0].value).length;
    if (this.body.children.length !== lines.length + Number(isChess && width === 8) || this.width !== width) this.#build(lines, width, isChess);
    lines.forEach((row, index) => this.#fill(this.body.children[index], row, isChess));
  }

  #build(lines, width, isChess) {
    this.width = width;
    const line = () => make("tr", {}, make("th", { scope: "row" }), ...Array.from({ length: width }, () => make("td")));
    const files = isChess && width === 8 ? [make("tr", { class: "eslab-files" }, ...[..." abcdefgh"].map((file) => make("td", {}, file)))] : [];
    this.body.replaceChildren(...lines.map(line), ...files);
  }

  #fill(line, row, isChess) {
    write(line.firstChild, visible(String(row.key), 12));
    const before = row.node?.mark === "=" ? cellsOf(row.node.old) : null;
    cellsOf(row.value).forEach((sign, index) => {
      const cell = line.children[index + 1];
      write(cell, isChess && /^[.·\-_ ]$/.test(sign) ? "" : visible(sign, 4));
      const changed = before && before[index] !== sign;
      flag(cell, "changed", changed ? "true" : undefined);
      if (changed) cell.title = `was ${visible(before[index] ?? "", 4)}`;
      else cell.removeAttribute("title");
    });
  }

  draw() {}

  /** The whole board, when a square of it changed. */
  changedSpan() {
    const { offsetTop, offsetHeight } = this.node;
    return this.body.querySelector("[data-changed]") ? [offsetTop, offsetTop + offsetHeight] : null;
  }

  slide() {}
}

/** A single value, large; or a note. */
class ValueView {
  constructor() {
    this.node = make("div");
  }

  update({ kind, value, node, text }) {
    flag(this.node, "kind", kind);
    writeValue(this.node, kind === "note" ? text : value, node?.mark ? node : undefined);
  }

  draw() {}

  changedSpan() {
    return null;
  }

  slide() {}
}

const VIEW_OF = { pairs: TableView, table: TableView, board: BoardView, value: ValueView, note: ValueView };

/** Blocks of a state, each drawn by a view that is kept from step to step. */
class Blocks {
  constructor() {
    this.node = make("div", { class: "eslab-blocks" });
    this.views = new Map();
  }

  update(blocks, viewport) {
    const wanted = new Map();
    for (const block of blocks) {
      const name = JSON.stringify([block.kind, block.path]);
      wanted.set(name, this.views.get(name) ?? new VIEW_OF[block.kind]());
      wanted.get(name).update(block, viewport);
    }
    for (const [name, view] of this.views) if (!wanted.has(name)) view.node.remove();
    let cursor = this.node.firstChild;
    for (const { node } of wanted.values()) {
      if (node === cursor) cursor = cursor.nextSibling;
      else this.node.insertBefore(node, cursor);
    }
    this.views = wanted;
  }

  draw(viewport) {
    for (const view of this.views.values()) view.draw(viewport);
  }

  slide() {
    for (const view of this.views.values()) view.slide();
  }

  changedSpan() {
    const spans = [...this.views.values()].map((view) => view.changedSpan()).filter(Boolean);
    return spans.length ? [spans[0][0], spans[spans.length - 1][1]] : null;
  }
}

/** The event at the position: its envelope and its payload. */
class EventCard {
  constructor(trace) {
    this.trace = trace;
    this.title = make("div", { class: "eslab-title" });
    this.facts = make("dl", { class: "eslab-facts" });
    this.error = make("p", { class: "eslab-error" });
    this.payload = new Blocks();
    this.node = focusable("div", { class: "eslab-card", role: "region", tabindex: "0", "aria-label": "Event" }, this.title, this.error, this.payload.node, this.facts);
  }

  update({ position, length }) {
    const event = this.trace.events[position - 1];
    const start = length ? "Before the first event" : "This history has no events";
    const [prefix, name] = event ? typeParts(event.type) : ["", start];
    this.title.replaceChildren(make("span", { class: "eslab-prefix" }, visible(prefix, 80)), visible(name, 120));
    write(this.error, event?.error ? `⚠ The fold failed here: ${visible(event.error, 600)}` : "");
    this.error.hidden = !event?.error;
    this.payload.update(event ? layout(decode(event.payload), null) : [], { top: 0, height: 2000 });
    this.facts.replaceChildren(...(event ? this.#facts(event) : this.#start(length)).flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));
  }

  #start(length) {
    return length ? [["keys", "← → step, space plays, Home and End jump"], ["mouse", "click an event to go there"]] : [];
  }

  #facts(event) {
    const later = lag(event.occurred_at, event.recorded_at);
    const times = later ? [["occurred", clock(event.occurred_at)], ["recorded", `${clock(event.recorded_at)} — ${later}`]] : [["recorded", clock(event.recorded_at)]];
    const metadata = (event.metadata?.map ?? []).map(([key, value]) => [visible(key.replace(/_id$/, ""), 40), inline(decode(value), 80)]);
    return [["stream", `${visible(event.stream, 120)}, version ${event.version}`], ...times, ["position", `${event.position} in the log`], ...metadata];
  }
}

/** The state at the position, with what the event at the position changed. */
class StatePane {
  constructor(replay) {
    this.replay = replay;
    this.title = make("span", { class: "eslab-when" });
    this.words = make("span", { class: "eslab-words" });
    this.problem = make("p", { class: "eslab-error" });
    this.blocks = new Blocks();
    this.scroll = focusable("div", { class: "eslab-scroll", role: "region", tabindex: "0", "aria-label": "State" }, this.problem, this.blocks.node);
    this.node = make("div", { class: "eslab-state" }, make("div", { class: "eslab-statehead" }, this.title, this.words), this.scroll);
    this.viewport = { top: 0, height: 400 };
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  #scrolled() {
    this.viewport.top = this.scroll.scrollTop;
    this.blocks.draw(this.viewport);
  }

  resize() {
    this.viewport.height = this.scroll.clientHeight;
    this.blocks.draw(this.viewport);
  }

  update({ position }, moving) {
    const state = this.replay.seek(position);
    const { changes } = this.replay;
    const marks = marksOf(changes);
    const words = changeWords(marks, state);
    write(this.title, position ? `State after event ${position}` : "State at the start");
    const count = words.length > 2 ? `${words.length} changes:  ` : "";
    write(this.words, position ? count + words.join("   ·   ") || "nothing changed" : "");
    this.words.title = words.join("\n");
    write(this.problem, changes.problem ? `⚠ This step does not fit the state: ${visible(changes.problem)}` : "");
    this.problem.hidden = !changes.problem;
    this.blocks.update(layout(state, position ? marks : null), this.viewport);
    this.#show();
    if (moving) this.blocks.slide();
    return words;
  }

  #show() {
    const span = this.blocks.changedSpan();
    if (!span) return;
    const { top, height } = this.viewport;
    const size = Math.min(span[1] - span[0], height - 60); // what does not fit is shown from its top
    const target = scrollToShow(top, height, span[0], size, 44);
    if (target === top) return;
    this.scroll.scrollTop = target;
    this.#scrolled();
  }
}

/** The whole player in one element. */
export class View {
  constructor(parent, replay, playback) {
    this.playback = playback;
    this.trace = replay.trace;
    this.transport = new Transport(this.trace, playback);
    this.list = new EventList(this.trace, playback);
    this.card = new EventCard(this.trace);
    this.state = new StatePane(replay);
    this.place = make("span", { class: "eslab-place" });
    this.live = make("div", { class: "eslab-live", role: "status", "aria-live": "polite" });
    const title = visible(this.trace.title || "Replay", 200);
    const head = make("div", { class: "eslab-head" }, make("div", { class: "eslab-name" }, title), this.place);
    const left = make("div", { class: "eslab-left" }, this.list.node, this.card.node);
    const body = make("div", { class: "eslab-body" }, left, this.state.node);
    this.node = focusable("div", { class: "eslab-player", role: "group", tabindex: "-1", "aria-label": `Replay: ${title}` }, head, this.transport.node, body, this.live);
    this.node.addEventListener("keydown", (event) => this.#key(event));
    parent.append(make("div", { class: "eslab-frame" }, this.node));
    this.resizing = new ResizeObserver(() => this.#resize());
    this.resizing.observe(this.node);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.stopListening = playback.listen(() => this.update());
    this.update();
  }

  dispose() {
    this.stopListening();
    this.resizing.disconnect();
    clearTimeout(this.speaking);
    this.node.parentNode?.remove();
  }

  #resize() {
    this.list.resize();
    this.state.resize();
  }

  update() {
    const { position, length, playing, speed } = this.playback;
    this.transport.update(this.playback);
    flag(this.node, "playing", playing ? "true" : undefined);
    if (position === this.drawn) return;
    const moving = this.drawn !== undefined && Math.abs(position - this.drawn) === 1 && !this.still.matches && !(playing && speed > 3);
    this.drawn = position;
    write(this.place, length ? `${grouped(position)} of ${grouped(length)}` : "no events");
    this.list.update();
    this.card.update(this.playback);
    const words = this.state.update(this.playback, moving);
    if (!playing && document.activeElement !== this.transport.slider) this.#say(words);
  }

  /** Tell a screen reader, once stepping has come to rest. */
  #say(words) {
    clearTimeout(this.speaking);
    const text = [positionText(this.trace, this.playback.position), ...words.slice(0, 3)].join("; ");
    this.speaking = setTimeout(() => this.playback.playing || write(this.live, text), 250);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const target = targetOf(event.key, this.playback, this.#placeOf(event.target));
    if (target === null) return;
    event.preventDefault();
    if (target === "toggle") this.playback.toggle();
    else this.playback.jump(target);
  }

  #placeOf(element) {
    if (element === this.transport.speed) return "choice";
    if (element.tagName === "BUTTON") return "button";
    if (element === this.list.node) return "list";
    return element === this.state.scroll || element === this.card.node ? "pane" : "slider";
  }
}

/**
 * What a key does: a position to go to, "toggle" (play or pause), or null where the key keeps its own meaning there. `place` is what has
 * the focus: "slider" (up is forward, as in every slider), "list" (down is later), "pane" (up and down scroll), "button", "choice".
 */
export function targetOf(key, { position, length }, place) {
  if (place === "choice") return null;
  if (key === " ") return place === "button" ? null : "toggle";
  const page = Math.max(10, Math.round(length / 20));
  const later = place === "list" ? -1 : 1;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: later, ArrowDown: -later, PageUp: later * page, PageDown: -later * page };
  if (place === "pane" && key !== "ArrowLeft" && key !== "ArrowRight") return null;
  if (key === "Home") return 0;
  if (key === "End") return length;
  return key in steps ? Math.max(0, Math.min(length, position + steps[key])) : null;
}

// ---- Host: a notebook's widget model on one side, playback and views on the other -----------------------------------------------

/** Keep `model`'s position and the playback's the same; the kernel hears of it at most once a frame. */
function connect(model, playback) {
  let waiting = false;
  const send = () => {
    if (model.get("position") === playback.position) return;
    model.set("position", playback.position);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      model.save_changes();
    });
  };
  playback.goTo(model.get("position"));
  model.on("change:position", () => {
    playback.goTo(model.get("position"));
    send(); // a linked slider may have a wider range
  });
  playback.listen(send);
}

/** Make the keyframes while nothing else is going on, a few milliseconds at a time. */
function prepareInIdleTime(replay) {
  const work = () => {
    const until = performance.now() + 6;
    while (performance.now() < until) if (!replay.prepare()) return;
    timer = setTimeout(work, 10);
  };
  let timer = setTimeout(work, 300);
  return () => clearTimeout(timer);
}

function explain(parent, error) {
  const words = `The player cannot read its trace: ${error.message}`;
  parent.append(make("div", { class: "eslab-frame" }, make("p", { class: "eslab-error", role: "alert" }, visible(words, 800))));
}

/** One player, as anywidget asks for it: called once for each model; `initialize` once, `render` for each view of it. */
export default () => {
  let replay, playback, failure;
  return {
    initialize({ model }) {
      try {
        replay = new Replay(readTrace(model.get("_trace")));
      } catch (error) {
        failure = error;
        return undefined;
      }
      playback = new Playback(replay.length);
      connect(model, playback);
      const stop = prepareInIdleTime(replay);
      return () => (playback.pause(), stop());
    },
    render({ el }) {
      if (failure) return explain(el, failure);
      const view = new View(el, replay, playback);
      return () => view.dispose();
    },
  };
};
