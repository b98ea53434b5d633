// ---- View: the whole player in one element, and what each key does there ----

/** The whole player in one element. */
export class View {
  constructor(parent, session) {
    this.session = session;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    const title = visible(session.trace.title || "Replay", 200);
    this.node = focusable("div", { class: "eslab-player", role: "group", tabindex: "-1", "aria-label": `Replay: ${title}` });
    this.name = make("div", { class: "eslab-name" }, title);
    this.live = make("div", { class: "eslab-live", role: "status", "aria-live": "polite" });
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.resizing = new ResizeObserver(() => this.#resize());
    this.frame = make("div", { class: "eslab-frame" }, this.node);
    parent.append(this.frame);
    this.#build();
    this.stops = [session.playback.listen(() => this.update()), session.desk.listen((name) => this.#looked(name)), session.listen(() => this.#rebuild())];
  }

  dispose() {
    for (const stop of this.stops) stop();
    clearTimeout(this.speaking);
    this.#forget();
    this.frame.remove();
  }

  // ---- its parts ----

  #build() {
    const { session } = this;
    this.drawn = undefined;
    this.place = make("div", { class: "eslab-place" });
    Object.assign(this, {
      finder: new Finder(session), transport: new Transport(session), rail: new Rail(session), noteBar: new NoteBar(session), message: new Message(session),
      list: new EventList(session), card: new EventCard(session), states: new States(session), watch: new Watch(session), help: new Help(session),
    });
    this.parts = ["finder", "transport", "rail", "noteBar", "message", "list", "card", "states", "watch", "help"];
    for (const part of this.parts) this[part].node.dataset.part = part;
    const head = make("div", { class: "eslab-head" }, this.name, this.finder.node, this.place);
    const left = make("div", { class: "eslab-left" }, this.list.node, this.card.node);
    const right = make("div", { class: "eslab-right" }, this.states.node, this.watch.node);
    const body = make("div", { class: "eslab-body" }, left, right);
    this.node.replaceChildren(head, this.transport.node, this.rail.node, this.noteBar.node, this.message.node, body, this.help.node, this.live);
    flag(this.node, "several", this.states.panes.length > 1 ? "true" : undefined);
    this.#size();
    this.update();
    for (const node of [this.node, this.list.node, this.states.node]) this.resizing.observe(node);
  }

  #forget() {
    this.resizing.disconnect();
    for (const part of this.parts) this[part].dispose?.();
  }

  /** Another line: all parts anew. The focus stays on the part that had it. */
  #rebuild() {
    const part = this.node.contains(document.activeElement) ? document.activeElement.closest("[data-part]")?.dataset.part : null;
    const place = !part ? -1 : part === "list" ? 0 : focusables(this[part].node).indexOf(document.activeElement);
    this.#forget();
    this.#build();
    this.#resize();
    if (part) this.#focusIn(this[part].node, place);
  }

  /** Focus the part's element at this place; where there is none to be seen, the part's first, or the player. */
  #focusIn(part, place) {
    const all = focusables(part);
    for (const node of [all[place], all[0], this.node]) {
      node?.focus({ preventScroll: true });
      if (node && document.activeElement === node) return;
    }
  }

  #size() {
    flag(this.node, "large", this.session.desk.large ? "true" : undefined);
  }

  #resize() {
    for (const part of this.parts) this[part].resize?.();
  }

  // ---- what is shown ----

  #looked(name) {
    if (name === "large") {
      this.#size();
      this.#resize();
    }
    if (name === "pin" || name === "watched") this.#showStates(false);
    for (const part of this.parts) if (!["states", "card", "list"].includes(part)) this.#updated(part);
    this.list.look();
    this.#settle(false);
  }

  update() {
    const { position, length, playing } = this.session.playback;
    flag(this.node, "playing", playing ? "true" : undefined);
    const steady = position === this.drawn;
    const moving = this.#isMoving(position);
    this.drawn = position;
    if (!steady) write(this.place, length ? `${grouped(position)} of ${grouped(length)}` : "no events");
    for (const part of this.parts) if (part !== "states") this.#updated(part);
    if (!steady) this.#showStates(moving);
    this.#settle(moving);
  }

  /** Update a part. One that fails says so, and leaves the others as they are. */
  #updated(part) {
    try {
      this[part].update();
    } catch (error) {
      console.error(error);
      if (part !== "message") this.session.desk.set("message", `The ${part} cannot be shown here: ${error.message}`);
    }
  }

  /** All is written: now the parts that scroll may ask the page how it lies. */
  #settle(moving) {
    this.list.settle();
    this.states.settle(moving);
  }

  #isMoving(position) {
    const { playing, speed } = this.session.playback;
    return this.drawn !== undefined && Math.abs(position - this.drawn) === 1 && !this.still.matches && !(playing && speed > 3);
  }

  #showStates(moving) {
    const words = this.states.update(moving);
    if (!this.session.playback.playing && document.activeElement?.type !== "range") this.#say(words);
  }

  /** Tell a screen reader, once stepping has come to rest. */
  #say(words) {
    const { line, playback, desk } = this.session;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      const note = desk.notes.get(playback.position);
      const said = [positionText(line, playback.position), whatIfText(line, playback.position), ...words.slice(0, 3), note && `note: ${visible(note, 300)}`];
      if (!playback.playing) write(this.live, said.filter(Boolean).join("; "));
    }, 250);
  }

  // ---- keys ----

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const place = this.#placeOf(event.target);
    const target = targetOf(event.key, this.session.playback, place);
    const deed = target === null ? this.#deeds()[commandOf(event.key, place)] : () => this.#go(target);
    if (!deed) return;
    event.preventDefault();
    deed();
  }

  #go(target) {
    if (target === "toggle") this.session.playback.toggle();
    else this.session.playback.jump(target);
  }

  #deeds() {
    const { session } = this;
    const { desk, playback } = session;
    return {
      loop: () => this.transport.toggleLoop(), cause: () => session.toCause(), effect: () => session.toEffect(),
      skip: () => session.skip(playback.position), pin: () => session.togglePin(), note: () => session.toNote(1), lastNote: () => session.toNote(-1),
      match: () => session.toMatch(1), lastMatch: () => session.toMatch(-1), write: () => this.noteBar.write(), search: () => this.finder.focus(),
      large: () => desk.set("large", !desk.large), help: () => desk.set("help", !desk.help), ...(desk.help ? { escape: () => desk.set("help", false) } : {}),
    };
  }

  #placeOf(element) {
    if (element.tagName === "SELECT") return "choice";
    if (element.tagName === "TEXTAREA" || (element.tagName === "INPUT" && element.type !== "range")) return "field";
    if (element.tagName === "BUTTON") return "button";
    if (element === this.list.node) return "list";
    return element.getAttribute("role") === "region" ? "pane" : "slider";
  }
}

const focusables = (node) => [...(node.matches("[data-lm-suppress-shortcuts]") ? [node] : []), ...node.querySelectorAll("[data-lm-suppress-shortcuts]")];

/**
 * What a key does: a position to go to, "toggle" (play or pause), or null where the key keeps its own meaning there. `place` is what has
 * the focus: "slider" (up is forward, as in every slider), "list" (down is later), "pane" (up and down scroll), "button", "choice", "field".
 */
export function targetOf(key, { position, length }, place) {
  if (place === "choice" || place === "field") return null;
  if (key === " ") return place === "button" ? null : "toggle";
  const page = Math.max(10, Math.round(length / 20));
  const later = place === "list" ? -1 : 1;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: later, ArrowDown: -later, PageUp: later * page, PageDown: -later * page };
  if (place === "pane" && key !== "ArrowLeft" && key !== "ArrowRight") return null;
  if (key === "Home") return 0;
  if (key === "End") return length;
  return key in steps ? Math.max(0, Math.min(length, position + steps[key])) : null;
}

const COMMANDS = new Map([
  ["l", "loop"], ["c", "cause"], ["C", "effect"], ["x", "skip"], ["p", "pin"], ["n", "note"], ["N", "lastNote"], ["m", "match"], ["M", "lastMatch"],
  ["a", "write"], ["/", "search"], ["f", "large"], ["?", "help"], ["Escape", "escape"],
]);

/** The command of a single key, or null; none where letters are typed or chosen by. */
export function commandOf(key, place) {
  return place === "field" || place === "choice" ? null : COMMANDS.get(key) ?? null;
}
