// ---- Finder: the field to search in, how many events it found, and the way from one to the next ------------------------------

const LANGUAGE = `Search (/). All of these must hold:
type:Paid — the type is Paid, or has that in it; type:Paid,Shipped for either
stream:order-1 — the same for the stream
amount > 100 — a field of the event; also >= < <= = !=; lines.price > 5 for one inside another; position, version, recorded and occurred too
text or "free text" — anywhere in the event, in capitals or not
Enter goes to the next match, Shift+Enter to the last, Escape clears`;

/** What a search has found, in words: "34 of 384". */
export function foundText(matches) {
  if (!matches) return "";
  const { rows, done, total, busy } = matches;
  if (busy) return `${grouped(rows.length)} in ${grouped(done)} so far`;
  return rows.length ? `${grouped(rows.length)} of ${grouped(total)}` : `none of ${grouped(total)}`;
}

/** The search field with its count and its buttons. */
export class Finder {
  constructor(session) {
    this.session = session;
    searchOf(session);
    this.field = focusable("input", { type: "search", class: "eslab-field", "aria-label": "Search the events", title: LANGUAGE, spellcheck: "false", autocomplete: "off" });
    this.field.placeholder = `Search:  type:${visible(typeParts(session.trace.types[0] ?? "Paid")[1], 30)}   amount > 100   "text"`;
    this.field.addEventListener("input", () => this.#later());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.count = make("span", { class: "eslab-found", role: "status" });
    this.previous = tool("earlier", "Last match (M)", () => session.toMatch(-1));
    this.next = tool("later", "Next match (m)", () => session.toMatch(1));
    this.clear = tool("close", "Show all events again", () => this.#set(""));
    const glass = make("span", { class: "eslab-glass" }, icon("search"));
    this.node = make("div", { class: "eslab-finder", role: "search" }, glass, this.field, this.count, this.previous, this.next, this.clear);
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  dispose() {
    clearTimeout(this.waiting);
  }

  #later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#set(this.field.value), 140);
  }

  #set(query) {
    clearTimeout(this.waiting);
    this.session.desk.set("query", query);
  }

  #key(event) {
    if (event.key === "Enter") {
      this.#set(this.field.value);
      this.session.toMatch(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      if (!this.field.value) this.node.closest(".eslab-player")?.focus();
      this.#set((this.field.value = ""));
    } else return;
    event.preventDefault();
  }

  update() {
    const { desk: { query, matches }, playback } = this.session;
    if (this.query !== query) this.#asked(query);
    write(this.count, this.problem || foundText(matches));
    if (!matches) return;
    able(this.previous, nextOf(matches.rows, playback.position, -1) !== null);
    able(this.next, nextOf(matches.rows, playback.position, 1) !== null);
  }

  #asked(query) {
    this.query = query;
    if (this.field.value !== query) this.field.value = query;
    this.problem = parseQuery(query).problem;
    flag(this.node, "problem", this.problem ? "true" : undefined);
    this.count.hidden = this.previous.hidden = this.next.hidden = this.clear.hidden = !query.trim();
    this.previous.hidden ||= Boolean(this.problem);
    this.next.hidden ||= Boolean(this.problem);
  }
}
