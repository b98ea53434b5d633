// ---- States: the state at the position, with what the event changed ----

/** The state at the position, with what the event at the position changed. */
class StatePane {
  constructor(replay) {
    this.replay = replay;
    this.title = make("span", { class: "eslab-when" });
    this.words = make("span", { class: "eslab-words" });
    this.problem = make("p", { class: "eslab-error" });
    this.blocks = new Blocks();
    this.scroll = focusable("div", { class: "eslab-scroll", role: "region", tabindex: "0", "aria-label": "State" }, this.problem, this.blocks.node);
    this.node = make("div", { class: "eslab-state" }, make("div", { class: "eslab-statehead" }, this.title, this.words), this.scroll);
    this.viewport = { top: 0, height: 400 };
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  #scrolled() {
    this.viewport.top = this.scroll.scrollTop;
    this.blocks.draw(this.viewport);
  }

  resize() {
    this.viewport.height = this.scroll.clientHeight;
    this.blocks.draw(this.viewport);
  }

  update({ position }, moving) {
    const state = this.replay.seek(position);
    const { changes } = this.replay;
    const marks = marksOf(changes);
    const words = changeWords(marks, state);
    write(this.title, position ? `State after event ${position}` : "State at the start");
    const count = words.length > 2 ? `${words.length} changes:  ` : "";
    write(this.words, position ? count + words.join("   ·   ") || "nothing changed" : "");
    this.words.title = words.join("\n");
    write(this.problem, changes.problem ? `⚠ This step does not fit the state: ${visible(changes.problem)}` : "");
    this.problem.hidden = !changes.problem;
    this.blocks.update(layout(state, position ? marks : null), this.viewport);
    this.#show();
    if (moving) this.blocks.slide();
    return words;
  }

  #show() {
    const span = this.blocks.changedSpan();
    if (!span) return;
    const { top, height } = this.viewport;
    const size = Math.min(span[1] - span[0], height - 60); // what does not fit is shown from its top
    const target = scrollToShow(top, height, span[0], size, 44);
    if (target === top) return;
    this.scroll.scrollTop = target;
    this.#scrolled();
  }
}
