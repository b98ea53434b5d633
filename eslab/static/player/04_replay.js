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

const isPlain = (value) => !isNested(value) && (typeof value !== "string" || !value.includes(" "));

/** Count a change after which a state is laid out anew: anything but one plain value in the place of another. */
function reshaped(box, plain) {
  if (!plain) box.shape = (box.shape ?? 0) + 1;
}

function assign(box, path, tree) {
  const now = decode(tree);
  if (!path.length) {
    const old = box.root;
    box.root = now;
    reshaped(box, false);
    return { mark: "=", path, old, now };
  }
  const parent = at(box.root, path.slice(0, -1));
  const key = path[path.length - 1];
  const [had, old] = isMap(parent) ? [parent.has(key), parent.get(key)] : [key < parent.length, parent[key]];
  if (isMap(parent)) parent.set(key, now);
  else parent[key] = now;
  reshaped(box, had && isPlain(old) && isPlain(now));
  return { mark: had ? "=" : "+", path, old, now };
}

function remove(box, path) {
  reshaped(box, false);
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
  reshaped(box, false);
  return change;
}

/** Take one change back, in place. Changes of one event are taken back in reverse order. */
export function undo(box, { mark, path, old, now, order }) {
  reshaped(box, mark === "=" && path.length && isPlain(old) && isPlain(now));
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

const STEPS_BACK = 256; // how many steps back at most are remembered

/**
 * The state after 0 … n events of a trace. Keyframes, `spacing` events apart, bound a seek; when all of them hold more than `budget`
 * values, every second one is dropped and the spacing doubles, so memory stays bounded however long the history is.
 * `shape` stays the same from step to step while only plain values take each other's place.
 */
export class Replay {
  constructor(trace, { spacing = 64, budget = 400_000 } = {}) {
    this.trace = trace;
    this.length = trace.length;
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

  get shape() {
    return this.box.shape ?? 0;
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
    while (this.scan.position < next) applyPatch(this.scan, this.trace.patch((this.scan.position += 1)));
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
    this.position += 1;
    this.taken.push(applyPatch(this.box, this.trace.patch(this.position)));
    if (this.taken.length > 2 * STEPS_BACK) this.taken = this.taken.slice(-STEPS_BACK);
  }

  #back() {
    const changes = this.taken.pop();
    for (let index = changes.length - 1; index >= 0; index -= 1) undo(this.box, changes[index]);
    this.position -= 1;
  }
}
