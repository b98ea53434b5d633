// ---- List: the events, of which only the rows in sight are in the page ----

const LIST_ROW = 26;
let views = 0;

/** The list of events, of which only the rows in sight are in the page; row 0 is the moment before the first event. */
class EventList {
  constructor(session) {
    this.line = session.line;
    this.playback = session.playback;
    this.name = `eslab-${(views += 1)}-event-`;
    this.count = session.line.length + 1;
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
    const event = index ? this.line.event(index) : null;
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
