// ---- Card: the event at the position ----

/** The event at the position: its envelope and its payload. */
class EventCard {
  constructor(session) {
    this.line = session.line;
    this.title = make("div", { class: "eslab-title" });
    this.facts = make("dl", { class: "eslab-facts" });
    this.error = make("p", { class: "eslab-error" });
    this.payload = new Blocks();
    this.node = focusable("div", { class: "eslab-card", role: "region", tabindex: "0", "aria-label": "Event" }, this.title, this.error, this.payload.node, this.facts);
  }

  update({ position, length }) {
    const event = position ? this.line.event(position) : null;
    const start = length ? "Before the first event" : "This history has no events";
    const [prefix, name] = event ? typeParts(event.type) : ["", start];
    this.title.replaceChildren(make("span", { class: "eslab-prefix" }, visible(prefix, 80)), visible(name, 120));
    write(this.error, event?.error ? `⚠ The fold failed here: ${visible(event.error, 600)}` : "");
    this.error.hidden = !event?.error;
    this.payload.update(event ? layout(decode(event.payload), null) : [], { top: 0, height: 2000 });
    this.facts.replaceChildren(...(event ? this.#facts(event) : this.#start(length)).flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));
  }

  #start(length) {
    return length ? [["keys", "← → step, space plays, Home and End jump"], ["mouse", "click an event to go there"]] : [];
  }

  #facts(event) {
    const later = lag(event.occurred, event.recorded);
    const times = later ? [["occurred", clock(event.occurred)], ["recorded", `${clock(event.recorded)} — ${later}`]] : [["recorded", clock(event.recorded)]];
    const metadata = (event.metadata?.map ?? []).map(([key, value]) => [visible(key.replace(/_id$/, ""), 40), inline(decode(value), 80)]);
    return [["stream", `${visible(event.stream, 120)}, version ${event.version}`], ...times, ["position", `${event.position} in the log`], ...metadata];
  }
}
