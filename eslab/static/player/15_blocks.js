// ---- Blocks: a state as tables, boards and values ----

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

/** Where a watched path stands in a block: its row and, in a table, its column; null if it does not. */
function watchedIn({ path, columns }, watched) {
  if (!watched || watched.length !== path.length + (columns ? 2 : 1) || path.some((key, index) => key !== watched[index])) return null;
  return { key: watched[path.length], column: columns ? watched[path.length + 1] : undefined };
}

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
    this.watched = watchedIn(block, viewport.watched);
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
    this.bodyTop = undefined;
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
  draw({ top, height, row }) {
    const { rows } = this.block;
    const tall = rows.length > TALL;
    const [first, last] = tall ? windowOf(top - (this.bodyTop ?? 0), height, row, rows.length, 8) : [0, rows.length];
    this.#leaveRoom(tall ? first * row : -1, (rows.length - last) * row);
    if (this.counted !== (tall ? rows.length : 0)) this.#count((this.counted = tall ? rows.length : 0));
    this.#place(rows.slice(first, last));
    this.#setWidths();
  }

  /** Room above and below for the rows of a tall table that are not in the page; -1 for none at all. */
  #leaveRoom(above, below) {
    const room = `${above} ${below}`;
    if (this.room === room) return;
    this.room = room;
    this.above.hidden = this.below.hidden = above < 0;
    this.above.firstChild.style.height = `${above}px`;
    this.below.firstChild.style.height = `${below}px`;
  }

  #count(count) {
    if (count) this.node.setAttribute("aria-rowcount", count);
    else this.node.removeAttribute("aria-rowcount");
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

  /** The path of the value in a cell. */
  pathOf(cell) {
    const { row } = cell.parentNode;
    if (!row || row.gone) return null;
    return [...this.block.path, row.key, ...(this.columns.length ? [this.columns[cell.parentNode.fields.indexOf(cell)]] : [])];
  }

  #row() {
    const mark = make("span", { class: "eslab-mark" });
    const name = make("span", { class: "eslab-key" });
    const row = make("tr", {}, make("th", { scope: "row" }, mark, name), ...(this.columns.length ? this.columns : [0]).map(() => make("td")));
    return Object.assign(row, { mark, keyName: name, fields: [...row.children].slice(1) });
  }

  #fill(node, row) {
    const [sign, meaning] = markOf(row);
    node.row = row;
    write(node.mark, sign);
    if (node.mark.title !== meaning) node.mark.title = meaning;
    write(node.keyName, visible(String(row.key), 120));
    flag(node, "row", meaning || undefined);
    if (this.watched || node.watched) this.#showWatched(node, row);
    if (!this.columns.length) writeValue(node.fields[0], row.value, row.node);
    else this.columns.forEach((column, index) => this.#fillCell(node.fields[index], row, column, index));
    this.keyWidth = Math.max(this.keyWidth ?? 0, Math.min(26, node.keyName.written.length));
  }

  #showWatched(node, row) {
    node.watched = this.watched?.key === row.key && !row.gone;
    node.fields.forEach((cell, index) => flag(cell, "watched", node.watched && this.columns[index] === this.watched.column ? "true" : undefined));
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
      if (column.set !== width) column.style.width = `calc(${(column.set = width)}px * var(--narrow, 1) * var(--scale, 1) + var(--cell-padding))`;
    });
  }

  /** Top and bottom, in pixels from the top of the pane, of the rows that changed; null when none did. Reads the page where it must. */
  changedSpan(viewport) {
    const { changed, rows } = this.block;
    if (!changed.length) return null;
    const [first, last] = [changed[0], changed[changed.length - 1]];
    if (rows.length > TALL) {
      if (!viewport.alone || this.bodyTop === undefined) this.bodyTop = this.node.offsetTop + this.above.offsetTop;
      return [this.bodyTop + first * viewport.row, this.bodyTop + (last + 1) * viewport.row];
    }
    const start = this.node.offsetTop;
    const ends = [first, last].map((index) => this.shown.get(this.#keyOf(rows[index])));
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
    viewport.alone = blocks.length === 1;
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

  changedSpan(viewport) {
    const spans = [...this.views.values()].map((view) => view.changedSpan(viewport)).filter(Boolean);
    return spans.length ? [spans[0][0], spans[spans.length - 1][1]] : null;
  }
}
