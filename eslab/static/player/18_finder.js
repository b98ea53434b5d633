// ---- Finder: the field to search in, how many events it found, and the way from one to the next ------------------------------

const LANGUAGE = `Search (/). All of these must hold:
type:Paid — the type is Paid, or has that in it; type:Paid,Shipped for either
stream:order-1 — the same for the stream
amount > 100 — a field of the event; also >= < <= = !=; lines.price > 5 for one inside another; position, version, recorded and occurred too
text or "free text" — anywhere in the event, in capitals or not
Enter goes to the next match, Shift+Enter to the last, Escape clears`;

/** What can be searched for in this trace, as an example: a type and, if the first events have one, a number. */
export function exampleOf(trace) {
  const type = trace.types.length ? `type:${visible(typeParts(trace.types[0])[1], 30)}` : "text";
  for (let number = 1; number <= Math.min(20, trace.length); number += 1) {
    const found = (trace.event(number).payload?.map ?? []).find(([, value]) => typeof value === "number" && value > 0);
    if (found) return `${type}   ${visible(found[0], 20)} > ${found[1]}   "text"`;
  }
  return `${type}   "text"`;
}

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
    const kind = { type: "search", class: "eslab-field", spellcheck: "false", autocomplete: "off" };
    this.field = focusable("input", { ...kind, "aria-label": "Search the events", title: LANGUAGE });
    this.field.placeholder = `Search:  ${exampleOf(session.trace)}`;
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
    for (const node of [this.count, this.clear]) hide(node, !query.trim());
    for (const button of [this.previous, this.next]) hide(button, !query.trim() || Boolean(this.problem));
  }
}
