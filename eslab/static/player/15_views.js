// ---- Views: boards, single values, and all blocks of a state ----

/** A board: lines of single signs, drawn as squares; a square that changed has a ring. */
class BoardView {
  constructor() {
    this.caption = make("caption");
    this.body = make("tbody");
    this.node = make("table", {}, this.caption, this.body);
  }

  update({ path, rows }) {
    write(this.caption, path.map((key) => visible(String(key), 60)).join(" › "));
    hide(this.caption, !path.length);
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
    if (isChess) lines.forEach((_, row) => this.#darken(this.body.children[row], row));
  }

  #darken(line, row) {
    for (let column = 0; column < this.width; column += 1) flag(line.children[column + 1], "dark", (row + column) % 2 ? "true" : undefined);
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

  /** Where the marked rows of a tall table will stand, if it is all there is and was drawn before; else null: the page must be asked. */
  spanAhead(blocks, viewport) {
    const [{ kind, path, rows, changed }] = blocks;
    const view = this.views.get(JSON.stringify([kind, path]));
    if (blocks.length > 1 || rows.length <= TALL || !changed.length || view?.bodyTop === undefined) return null;
    return spanOf(changed, view.bodyTop, viewport.row);
  }

  /** Measure anew before a tall table is scrolled the next time. */
  forget() {
    for (const view of this.views.values()) view.bodyTop = undefined;
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

  /** Fill all views again with what they show, as for another width. */
  refill(viewport) {
    for (const view of this.views.values()) if (view.block) view.update(view.block, viewport);
  }

  slide() {
    for (const view of this.views.values()) view.slide();
  }

  changedSpan(viewport) {
    const spans = [...this.views.values()].map((view) => view.changedSpan(viewport)).filter(Boolean);
    return spans.length ? [spans[0][0], spans[spans.length - 1][1]] : null;
  }
}
