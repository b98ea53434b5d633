// ---- Table: rows of a state as a table, of which only those in sight are in the page if there are many ---------------------

const TALL = 120; // a table with more rows than this is windowed

/** Where a watched path stands in a block: its row and, in a table, its column; null if it does not. */
function watchedIn({ path, columns }, watched) {
  if (!watched || watched.length !== path.length + (columns ? 2 : 1) || path.some((key, index) => key !== watched[index])) return null;
  return { key: watched[path.length], column: columns ? watched[path.length + 1] : undefined };
}

const STRIDE = 16; // a window moves by so many rows at once: seldom, so that most steps lay out no table

const inStrides = ([first, last], count) => [first - (first % STRIDE), Math.min(count, last + STRIDE - (last % STRIDE))];

/** Top and bottom of the marked rows of a tall table, whose rows are all as high. */
const spanOf = (changed, start, row) => [start + changed[0] * row, start + (changed[changed.length - 1] + 1) * row];

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
    this.node.pathOf = (cell) => this.pathOf(cell);
    this.shown = new Map();
    this.widths = [];
    this.columns = [];
  }

  update(block, viewport) {
    this.block = block;
    this.watched = watchedIn(block, viewport.watched);
    if (this.brief !== viewport.narrow) this.columns = [];
    this.brief = viewport.narrow;
    const tall = block.rows.length > TALL;
    const size = tall ? "tall" : block.kind === "table" && block.rows.length > 12 ? "dense" : "roomy";
    flag(this.node, "size", size);
    flag(this.node, "kind", block.kind);
    write(this.caption, block.path.map((key) => visible(String(key), 60)).join(" › "));
    hide(this.caption, !block.path.length);
    this.#setColumns(block.columns ?? []);
    this.draw(viewport);
  }

  #setColumns(columns) {
    if (columns.length === this.columns.length && columns.every((column, index) => column === this.columns[index])) return;
    this.columns = columns;
    this.bodyTop = undefined;
    this.widths = columns.map((column) => headWidth(column, this.brief));
    this.keyWidth = 0;
    this.body.replaceChildren(this.above, this.below);
    this.shown.clear();
    this.columnList.replaceChildren(...(columns.length ? ["", ...columns] : []).map(() => make("col")));
    this.heads = columns.map((column) => make("th", { scope: "col" }, ...String(column).split(/(?<=_)/).flatMap((part) => [visible(part, 40), make("wbr")])));
    this.head.replaceChildren(...(columns.length ? [make("td"), ...this.heads] : []));
    hide(this.head.parentNode, !columns.length);
    this.above.firstChild.colSpan = this.below.firstChild.colSpan = Math.max(2, columns.length + 1);
  }

  /** Draw the rows in sight: all of them, or the window of a tall table. */
  draw({ top, height, row }) {
    const { rows } = this.block;
    const tall = rows.length > TALL;
    const [first, last] = tall ? inStrides(windowOf(top - (this.bodyTop ?? 0), height, row, rows.length, 4), rows.length) : [0, rows.length];
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
    const same = node.row === row && this.block.steady && !row.node && !node.marked && !this.watched && !node.watched;
    if (same) return;
    node.marked = Boolean(row.node);
    const [sign, meaning] = markOf(row);
    node.row = row;
    write(node.mark, sign);
    if (node.mark.title !== meaning) node.mark.title = meaning;
    write(node.keyName, visible(String(row.key), 120));
    flag(node, "row", meaning || undefined);
    if (this.watched || node.watched) this.#showWatched(node, row);
    if (!this.columns.length) writeValue(node.fields[0], row.value, row.node);
    else this.columns.forEach((column, index) => this.#fillCell(node.fields[index], row, column, index));
    if (this.columns.length) this.keyWidth = Math.max(this.keyWidth, emsOf(node.keyName.written.slice(0, 40)));
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
    writeValue(cell, value, whole, this.brief);
    flag(cell, "number", isNumeric(value) ? "true" : undefined);
    flag(this.heads[index], "number", isNumeric(value) ? "true" : undefined);
    this.widths[index] = Math.max(this.widths[index], widthOf(value, whole, this.brief));
  }

  #setWidths() {
    if (!this.columns.length) return;
    const widths = [this.brief ? 1.5 + Math.min(9.8, this.keyWidth) : 1.8 + Math.min(17, this.keyWidth), ...this.widths];
    widths.forEach((width, index) => {
      const column = this.columnList.children[index];
      if (column.set !== width) column.style.width = `calc(${(column.set = width).toFixed(2)}em + var(--cell-padding))`;
    });
  }

  /** Top and bottom, in pixels from the top of the pane, of the rows that changed; null when none did. Reads the page where it must. */
  changedSpan(viewport) {
    const { changed, rows } = this.block;
    if (!changed.length) return null;
    const [first, last] = [changed[0], changed[changed.length - 1]];
    if (rows.length > TALL) {
      this.bodyTop = this.node.offsetTop + this.above.offsetTop;
      return spanOf(changed, this.bodyTop, viewport.row);
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

