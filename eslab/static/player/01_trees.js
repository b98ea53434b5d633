// The replay player: one moment of a history at a time, its state computed in the browser from a trace that was sent once.
// These files, joined in the order of their names, are one ES module without imports; read them in that order.

// ---- Trees: what a trace holds, and the state that it becomes -------------------------------------------------------

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
