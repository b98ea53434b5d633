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

function gone(node) {
  const removed = [...(node?.children ?? [])].filter(([, child]) => child.mark === "-");
  return removed.map(([key, child]) => ({ key, value: child.old, node: child, gone: true, moved: 0 }));
}

function rowsOf(entries, node, order) {
  const moved = node?.order ? moves(node.order.filter((key) => node.children?.get(key)?.mark !== "+"), order) : null;
  const rows = entries.map(([key, value]) => ({ key, value, node: node?.children?.get(key), gone: false, moved: moved?.get(key) ?? 0 }));
  return node?.children ? rows.concat(gone(node)) : rows;
}

const MANY = 40; // with more nested parts than this, each is one line: a page of so many tables could not be read

const isShortList = (value) => Array.isArray(value) && value.length <= 40 && !value.some(isNested);
const staysInline = (value) => !isNested(value) || isShortList(value) || (isMap(value) && value.size === 0);

function nestedBlocks(value, path, node, blocks, depth) {
  const entries = [...value.entries()];
  const nested = entries.filter(([, item]) => !staysInline(item));
  const deep = depth > 8 || nested.length > MANY;
  const flat = deep ? entries : entries.filter(([, item]) => staysInline(item));
  const rows = rowsOf(flat, node, isMap(value) ? new Map(flat) : new Map());
  if (rows.length) blocks.push({ kind: "pairs", path, value, rows });
  if (deep) return;
  for (const [key, item] of nested) addBlocks(item, [...path, key], node?.children?.get(key), blocks, depth + 1);
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

const isChanged = (row) => Boolean(row.moved || (row.node && (row.node.mark || row.node.children || row.node.order)));

/** The indexes of the rows that are marked, ascending. */
export function changedRows(rows) {
  const indexes = [];
  for (let index = 0; index < rows.length; index += 1) if (isChanged(rows[index])) indexes.push(index);
  return indexes;
}

const markAt = (marks, path) => path.reduce((node, key) => node?.children?.get(key), marks);

/** Whether marks are all at rows that are there, in their places: none is gone, none has moved. */
function fits(node) {
  if (node.mark === "-" || node.order) return false;
  for (const child of node.children?.values() ?? []) if (!fits(child)) return false;
  return true;
}

/**
 * Lays out one state from step to step. While its shape stays the same the blocks are kept, and a step costs what it marks, not what the
 * state holds; `shape` and `position` are those of its replay.
 */
export class Layouter {
  constructor() {
    this.kept = false; // whether the blocks hold for the next step too
  }

  /** The blocks of a state; each has `changed`, the indexes of its marked rows, and is `steady` if only rows marked now or before differ. */
  of(state, marks, { shape, position }) {
    const again = this.kept && state === this.state && shape === this.shape && fits(marks);
    if (again) this.#again(marks);
    else this.#anew(state, marks);
    for (const block of this.blocks) block.steady = again && Math.abs(position - this.position) <= 1;
    [this.state, this.shape, this.position] = [state, shape, position];
    return this.blocks;
  }

  #anew(state, marks) {
    this.blocks = layout(state, marks);
    for (const block of this.blocks) block.changed = changedRows(block.rows);
    const forOneStep = ({ kind, rows }) => kind === "board" || rows.some((row) => row.gone || row.moved);
    this.kept = isNested(state) && !this.blocks.some(forOneStep);
  }

  #again(marks) {
    for (const block of this.blocks) {
      for (const index of block.changed) block.rows[index].node = undefined;
      if (block.kind === "pairs") for (const row of block.rows) row.value = get(block.value, row.key);
      block.changed = this.#mark(block, markAt(marks, block.path)?.children);
    }
  }

  #mark(block, children) {
    const changed = [];
    for (const [key, node] of children ?? []) {
      block.index ??= new Map(block.rows.map((row, index) => [row.key, index]));
      if (!block.index.has(key)) continue;
      block.rows[block.index.get(key)].node = node;
      changed.push(block.index.get(key));
    }
    return changed.sort((one, other) => one - other);
  }
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
