// ---- View: the whole player in one element, and what each key does there ----

/** The whole player in one element. */
export class View {
  constructor(parent, session) {
    const { playback } = session;
    this.playback = playback;
    this.session = session;
    this.transport = new Transport(session);
    this.list = new EventList(session);
    this.card = new EventCard(session);
    this.state = new StatePane(session.history);
    this.place = make("span", { class: "eslab-place" });
    this.live = make("div", { class: "eslab-live", role: "status", "aria-live": "polite" });
    const title = visible(session.trace.title || "Replay", 200);
    const head = make("div", { class: "eslab-head" }, make("div", { class: "eslab-name" }, title), this.place);
    const left = make("div", { class: "eslab-left" }, this.list.node, this.card.node);
    const body = make("div", { class: "eslab-body" }, left, this.state.node);
    this.node = focusable("div", { class: "eslab-player", role: "group", tabindex: "-1", "aria-label": `Replay: ${title}` }, head, this.transport.node, body, this.live);
    this.node.addEventListener("keydown", (event) => this.#key(event));
    parent.append(make("div", { class: "eslab-frame" }, this.node));
    this.resizing = new ResizeObserver(() => this.#resize());
    this.resizing.observe(this.node);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.stopListening = playback.listen(() => this.update());
    this.update();
  }

  dispose() {
    this.stopListening();
    this.resizing.disconnect();
    clearTimeout(this.speaking);
    this.node.parentNode?.remove();
  }

  #resize() {
    this.list.resize();
    this.state.resize();
  }

  update() {
    const { position, length, playing, speed } = this.playback;
    this.transport.update(this.playback);
    flag(this.node, "playing", playing ? "true" : undefined);
    if (position === this.drawn) return;
    const moving = this.drawn !== undefined && Math.abs(position - this.drawn) === 1 && !this.still.matches && !(playing && speed > 3);
    this.drawn = position;
    write(this.place, length ? `${grouped(position)} of ${grouped(length)}` : "no events");
    this.list.update();
    this.card.update(this.playback);
    const words = this.state.update(this.playback, moving);
    if (!playing && document.activeElement !== this.transport.slider) this.#say(words);
  }

  /** Tell a screen reader, once stepping has come to rest. */
  #say(words) {
    clearTimeout(this.speaking);
    const text = [positionText(this.session.line, this.playback.position), ...words.slice(0, 3)].join("; ");
    this.speaking = setTimeout(() => this.playback.playing || write(this.live, text), 250);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const target = targetOf(event.key, this.playback, this.#placeOf(event.target));
    if (target === null) return;
    event.preventDefault();
    if (target === "toggle") this.playback.toggle();
    else this.playback.jump(target);
  }

  #placeOf(element) {
    if (element === this.transport.speed) return "choice";
    if (element.tagName === "BUTTON") return "button";
    if (element === this.list.node) return "list";
    return element === this.state.scroll || element === this.card.node ? "pane" : "slider";
  }
}

/**
 * What a key does: a position to go to, "toggle" (play or pause), or null where the key keeps its own meaning there. `place` is what has
 * the focus: "slider" (up is forward, as in every slider), "list" (down is later), "pane" (up and down scroll), "button", "choice".
 */
export function targetOf(key, { position, length }, place) {
  if (place === "choice") return null;
  if (key === " ") return place === "button" ? null : "toggle";
  const page = Math.max(10, Math.round(length / 20));
  const later = place === "list" ? -1 : 1;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: later, ArrowDown: -later, PageUp: later * page, PageDown: -later * page };
  if (place === "pane" && key !== "ArrowLeft" && key !== "ArrowRight") return null;
  if (key === "Home") return 0;
  if (key === "End") return length;
  return key in steps ? Math.max(0, Math.min(length, position + steps[key])) : null;
}
