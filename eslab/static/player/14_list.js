// ---- List: the events, of which only the rows in sight are in the page ----

let views = 0;

/** The rows that a list shows, in order: all of them from 0, or those that were found with the current one in its place. */
export class Listed {
  constructor(length, found, current) {
    this.found = found;
    this.place = found ? lowerBound(found, current) : 0;
    this.extra = found && found[this.place] !== current ? current : null; // shown though it was not found
    this.count = found ? found.length + Number(this.extra !== null) : length + 1;
  }

  at(index) {
    if (!this.found) return index;
    if (this.extra === null || index < this.place) return this.found[index];
    return index === this.place ? this.extra : this.found[index - 1];
  }

  indexOf(row) {
    if (!this.found) return row;
    return lowerBound(this.found, row) + Number(this.extra !== null && row > this.extra);
  }
}

/** What a row is in words, after its number, type and payload. */
function rowWords(look) {
  const words = [];
  if (look.says) words.push(look.kind === "-" ? `not in the what-if: ${look.says}` : look.kind === "+" ? `only in the what-if: ${look.says}` : look.says);
  if (look.waiting) words.push("folding again…");
  if (look.error) words.push(look.error === "branch" ? "the fold failed here in the what-if" : "the fold failed here");
  if (look.link) words.push(look.link === "cause" ? "caused the current event" : "caused by the current event");
  if (look.noted) words.push("has a note");
  if (look.pinned) words.push("pinned");
  if (look.status === "future") words.push("still to come");
  return words;
}

/** What stands behind a row: that it is being folded, what it is to the what-if, or how it is linked with the current event. */
function tagOf({ waiting, says, skip, link }) {
  if (waiting) return "folding again…";
  if (says && !(says === "skipped" && skip)) return visible(says, 60); // "take back" says as much
  return { cause: "↑ its cause", effect: "↓ its effect" }[link] ?? "";
}

/** The list of events, of which only the rows in sight are in the page; row 0 is the moment before the first event. */
class EventList {
  constructor(session) {
    this.session = session;
    this.line = session.line;
    this.name = `eslab-${(views += 1)}-event-`;
    this.rows = new Map();
    this.version = 0; // of what stands on the desk
    this.moved = false; // whether it is to be scrolled to `top`
    this.top = 0;
    this.height = 200;
    this.space = make("div", { class: "eslab-space", role: "presentation" });
    this.node = focusable("div", { class: "eslab-list", role: "grid", tabindex: "0", "aria-label": "Events" }, this.space);
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.node.addEventListener("click", (event) => this.#clicked(event));
  }

  get rowHeight() {
    return this.session.desk.large ? 34 : 26;
  }

  #scrolled() {
    if (this.node.scrollTop === this.top) return;
    this.top = this.node.scrollTop;
    this.draw();
  }

  #clicked(event) {
    const node = event.target.closest(".eslab-event");
    if (!node) return;
    if (event.target.closest(".eslab-skip")) this.session.skip(node.row);
    else this.session.playback.jump(node.row);
  }

  resize() {
    this.height = this.node.clientHeight;
    this.moved = this.node.scrollTop !== this.top; // as after the page was laid out otherwise
    this.update();
    this.settle();
  }

  /** What stands on the desk shows in every row. */
  look() {
    this.version += 1;
    this.update();
  }

  update() {
    const { desk, playback, line } = this.session;
    const { position } = playback;
    this.listed = new Listed(line.length, desk.matches?.rows ?? null, position);
    const [height, index] = [this.rowHeight, this.listed.indexOf(position)];
    const tall = `${this.listed.count * height}px`;
    if (this.space.style.height !== tall) this.space.style.height = tall;
    const most = Math.max(0, this.listed.count * height - this.height);
    const top = scrollToShow(Math.min(this.top, most), this.height, index * height, height, 2 * height);
    this.moved ||= Math.min(top, most) !== this.top;
    this.top = Math.min(top, most);
    this.draw();
    this.node.setAttribute("aria-activedescendant", this.name + position);
    if (this.told !== this.listed.count) this.node.setAttribute("aria-rowcount", (this.told = this.listed.count));
  }

  /** Scroll to where the rows have been drawn; done last, because it has the page laid out. */
  settle() {
    if (this.moved) this.node.scrollTop = this.top;
    this.moved = false;
  }

  draw() {
    const [first, last] = windowOf(this.top, this.height, this.rowHeight, this.listed.count);
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.listed.at(index), index);
    const free = [];
    for (const [row, node] of this.rows) if (!wanted.has(row)) free.push(node) && this.rows.delete(row);
    for (const [row, index] of wanted) {
      if (!this.rows.has(row)) this.rows.set(row, this.#fill(free.pop() ?? this.#row(), row));
      this.#place(this.rows.get(row), index);
      this.#look(this.rows.get(row));
    }
    for (const node of free) node.remove();
  }

  #row() {
    const node = make("div", { class: "eslab-event", role: "row" });
    const what = node.appendChild(make("div", { class: "eslab-what", role: "gridcell" }));
    for (const name of ["dot", "number", "type", "summary", "says"]) node[name] = what.appendChild(make("span", { class: `eslab-${name}` }));
    const cell = node.appendChild(make("div", { class: "eslab-deed", role: "gridcell" }));
    node.skip = cell.appendChild(focusable("button", { type: "button", class: "eslab-skip", tabindex: "-1" }, icon("skip")));
    node.word = node.skip.appendChild(make("span", {}));
    return node;
  }

  #place(node, index) {
    const place = `translateY(${index * this.rowHeight}px)`;
    if (node.style.transform !== place) node.style.transform = place;
    if (node.index !== index) node.setAttribute("aria-rowindex", (node.index = index) + 1);
  }

  #fill(node, row) {
    const event = row ? this.line.event(row) : null;
    node.row = row;
    node.id = this.name + row;
    node.known = node.seen = undefined;
    const inHistory = row && this.line.kind(row) !== "+";
    write(node.number, row ? (inHistory ? String(this.line.before[row]) : "+") : "0");
    write(node.type, event ? visible(typeParts(event.type)[1], 80) : "before the first event");
    write(node.summary, event ? summary(event) : "");
    if (!node.parentNode) this.space.append(node);
    return node;
  }

  #lookOf(row, status) {
    const { desk } = this.session;
    const kind = row ? this.line.kind(row) : "=";
    const number = this.line.before[row];
    return {
      kind,
      status,
      says: this.line.says.get(row) ?? (kind === "-" ? "not in the what-if" : ""),
      error: this.line.failures(row).map(({ side }) => side).join(" and "),
      link: this.session.linkOf(row),
      noted: desk.notes.has(row),
      pinned: desk.pin === row,
      waiting: kind !== "+" && row > 0 && desk.waiting === number,
      skip: !this.session.skippable(row) ? "" : desk.skipped.has(number) ? "take back" : "skip",
    };
  }

  #look(node) {
    const { position } = this.session.playback;
    const status = node.row < position ? "past" : node.row > position ? "future" : "current";
    const known = `${this.version} ${status} ${this.session.linkOf(node.row)}`;
    if (node.known === known) return;
    node.known = known;
    const look = this.#lookOf(node.row, status);
    const seen = [look.status, look.kind, look.says, look.error, look.link, look.noted, look.pinned, look.waiting, look.skip].join("|");
    if (node.seen === seen) return;
    node.seen = seen;
    const yes = (value) => (value ? "true" : undefined);
    flag(node, "status", look.status);
    flag(node, "kind", look.kind === "=" ? undefined : look.kind === "-" ? "without" : "with");
    flag(node, "start", yes(node.row === 0));
    for (const name of ["error", "noted", "pinned"]) flag(node, name, yes(look[name]));
    flag(node, "link", look.link || undefined);
    write(node.says, tagOf(look));
    node.setAttribute("aria-busy", look.waiting);
    node.setAttribute("aria-selected", look.status === "current");
    const words = [node.number.written, node.type.written, node.summary.written, ...rowWords(look)].filter((word) => word !== "");
    node.setAttribute("aria-label", words.join(", "));
    node.title = words.slice(1).join(" · ");
    this.#offer(node, look);
  }

  #offer(node, { skip, status }) {
    hide(node.skip, !skip);
    node.skip.tabIndex = status === "current" ? 0 : -1;
    if (!skip) return;
    if (node.word.written !== skip) node.skip.firstChild.replaceWith(icon(skip === "skip" ? "skip" : "restore"));
    write(node.word, skip);
    const label = skip === "skip" ? "Skip this event: what if it had not happened? (x)" : "Take this event back in (x)";
    if (node.skip.title !== label) node.skip.title = label;
    node.skip.setAttribute("aria-label", `${skip === "skip" ? "Skip" : "Take back"} event ${node.number.written}`);
  }
}
