// ---- Card: the event at the position ----

const MOST_LINKS = 8;
const KNOWN = new Set(["causation_id", "correlation_id"]);

/** Facts as terms and texts, each perhaps with links to events: a list whose nodes are kept from step to step. */
class Facts {
  constructor(follow) {
    this.follow = follow;
    this.node = make("dl", { class: "eslab-facts" });
    this.entries = [];
  }

  /** Show entries of { term, text, title, links }, each link being { text, row }. */
  update(facts) {
    while (this.entries.length > facts.length) for (const node of this.entries.pop()) node.remove();
    facts.forEach((fact, index) => this.#fill(this.entries[index] ?? this.#entry(), fact));
  }

  #entry() {
    const entry = [make("dt"), make("dd")];
    this.entries.push(entry);
    this.node.append(...entry);
    return entry;
  }

  #fill([term, place], { term: name, text, title = "", links = [] }) {
    write(term, name);
    const shown = JSON.stringify([text, links]);
    if (place.title !== title) place.title = title;
    if (place.shown === shown) return;
    place.shown = shown;
    place.replaceChildren(text, ...links.map((link) => this.#link(link)));
  }

  #link({ text, row }) {
    const button = focusable("button", { type: "button", class: "eslab-link", title: `Go to event ${text}` }, text);
    button.addEventListener("click", () => this.follow(row));
    return button;
  }
}

/** The facts of an event that the card tells beside its payload. */
export function factsOf(line, row) {
  const event = line.event(row);
  const [trace, number] = line.place(row);
  const later = lag(event.occurred, event.recorded);
  const times = later
    ? [{ term: "occurred", text: clock(event.occurred) }, { term: "recorded", text: `${clock(event.recorded)} — ${later}` }]
    : [{ term: "recorded", text: clock(event.recorded) }];
  return [
    { term: "stream", text: `${visible(event.stream, 120)}, version ${event.version}` },
    ...times,
    { term: "position", text: `${grouped(event.position)} in the log` },
    ...linkFacts(line, trace, number),
    ...aboutFacts(event),
    { term: "id", text: shortId(event.id), title: visible(String(event.id), 200) },
  ];
}

const shortId = (id) => (String(id).length > 13 ? `${visible(String(id).slice(0, 8), 8)}…` : visible(String(id), 40));

function linkFacts(line, trace, number) {
  const linked = (term, numbers) => {
    const links = numbers.slice(0, MOST_LINKS).map((other) => ({ text: String(other), row: line.rowOn(trace, other) }));
    const more = numbers.length - links.length;
    return numbers.length ? [{ term: more > 0 ? `${term} (${grouped(numbers.length)})` : term, text: "", links }] : [];
  };
  const cause = trace.causeOf(number);
  return [...linked("caused by", cause ? [cause] : []), ...linked("caused", trace.effectsOf(number)), ...linked("same wish as", trace.sameWish(number))];
}

/** What the metadata says; the ids of cause and wish only where no event of this history answers to them. */
function aboutFacts(event) {
  const entries = event.metadata?.map ?? [];
  return entries.map(([key, tree]) => {
    const value = decode(tree);
    const text = KNOWN.has(key) ? shortId(value) : inline(value, 80);
    return { term: visible(key.replace(/_id$/, ""), 40), text, title: KNOWN.has(key) ? inline(value, 200) : "" };
  });
}

/** What a row says of history and branch, or "". */
export function whatIfText(line, row) {
  if (!line.branch || row < 1) return "";
  const says = visible(line.says.get(row) ?? "", 300);
  const kind = line.kind(row);
  if (kind === "=") return says;
  return `${kind === "-" ? "Only in the history" : "Only in the what-if"}${says ? `: ${says}` : ""}`;
}

/** Where the fold failed at a row, and what it said; "" where it did not. */
export function failureText(line, row) {
  const failures = line.failures(row);
  if (failures.length === 2 && failures[0].error === failures[1].error) failures.pop();
  const where = { history: line.branch ? "In the history the fold failed here" : "The fold failed here", branch: "In the what-if the fold failed here" };
  const both = failures.length === 1 && line.branch && failures[0].side === "history" && line.failures(row).length === 2;
  return failures.map(({ side, error }) => `⚠ ${both ? "The fold failed here, in both" : where[side]}: ${visible(error, 320)}`).join("\n");
}

/** The event at the position: its envelope and its payload. */
class EventCard {
  constructor(session) {
    this.session = session;
    this.prefix = make("span", { class: "eslab-prefix" });
    this.name = make("span");
    this.title = make("div", { class: "eslab-title" }, this.prefix, this.name);
    this.facts = new Facts((row) => session.playback.jump(row));
    this.error = make("p", { class: "eslab-error" });
    this.whatIf = make("p", { class: "eslab-whatif" });
    this.payload = new Blocks();
    const parts = [this.title, this.error, this.whatIf, this.payload.node, this.facts.node];
    this.node = focusable("div", { class: "eslab-card", role: "region", tabindex: "0", "aria-label": "Event" }, ...parts);
  }

  update() {
    const { line, playback } = this.session;
    const { position, length } = playback;
    if (this.drawn === position) return;
    this.drawn = position;
    const event = position ? line.event(position) : null;
    const [prefix, name] = event ? typeParts(event.type) : ["", length ? "Before the first event" : "This history has no events"];
    write(this.prefix, visible(prefix, 80));
    write(this.name, visible(name, 120));
    write(this.error, failureText(line, position));
    hide(this.error, !this.error.written);
    write(this.whatIf, whatIfText(line, position));
    flag(this.whatIf, "kind", position ? { "-": "without", "+": "with" }[line.kind(position)] : undefined);
    hide(this.whatIf, !this.whatIf.written);
    this.payload.update(event ? layout(decode(event.payload), null) : [], { top: 0, height: 2000, row: 26, narrow: false });
    this.facts.update(event ? factsOf(line, position) : this.#start(length));
  }

  #start(length) {
    if (!length) return [];
    return [{ term: "keys", text: "← → step, space plays, Home and End jump, ? shows them all" }, { term: "mouse", text: "click an event to go there" }];
  }
}
