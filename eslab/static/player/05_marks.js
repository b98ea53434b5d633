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

const commonKeys = (one, other) => [...one.keys()].filter((key) => other.has(key));

function inOrder(one, other) {
  const keys = other.keys();
  for (const key of one.keys()) if (keys.next().value !== key) return false;
  return one.size === other.size;
}

/** Note where keys that both have stand in another order, at every level. */
function noteOrders(node, old, now) {
  if (isMap(now) && !inOrder(old, now)) {
    const [keys, found] = [commonKeys(old, now), commonKeys(now, old)];
    if (keys.some((key, index) => key !== found[index])) node.order = keys;
  }
  for (const [key, value] of now.entries()) {
    if (!isNested(value) || !has(old, key) || !alike(get(old, key), value)) continue;
    const below = node.children?.get(key) ?? emptyMark();
    noteOrders(below, get(old, key), value);
    if (below.order || below.children) (node.children ??= new Map()).set(key, below);
  }
}

/** Marks, as `marksOf` gives them, of all that is different in one state from another. */
export function marksBetween(old, now) {
  const root = emptyMark();
  if (alike(old, now)) {
    noteInside(root, old, now);
    noteOrders(root, old, now);
  } else if (!same(old, now)) note(root, "=", old, now);
  return root;
}

/** How many places a tree of marks marks. */
export function countMarks(node) {
  let count = node.mark ? 1 : 0;
  for (const child of node.children?.values() ?? []) count += countMarks(child);
  return count;
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
