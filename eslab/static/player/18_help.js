// ---- Help: what the keys do; and what a viewer must be told ----

/** What the keys do, as the panel of keys tells it. */
export const KEYS = [
  ["← →", "one event back, forward"],
  ["↑ ↓", "the same; in the list up is earlier; in a pane they scroll"],
  ["Page up, Page down", "a stride of events"],
  ["Home, End", "before the first event; the last event"],
  ["Space", "play, pause"],
  ["l", "loop: its start, its end, off"],
  ["c, C", "to the cause of this event; to its first effect"],
  ["x", "skip this event, or take it back: what if?"],
  ["p", "pin this step: differences from here on"],
  ["n, N", "next note, note before"],
  ["a", "write a note here"],
  ["/", "search; m and M go to the next match and the one before"],
  ["f", "large type, for a room"],
  ["Click", "on an event: go there; on a value: watch it over all time"],
  ["?", "these keys; Escape closes them"],
];

/** The panel of keys. */
class Help {
  constructor(session) {
    this.desk = session.desk;
    const list = make("dl", {}, ...KEYS.flatMap(([key, deed]) => [make("dt", {}, key), make("dd", {}, deed)]));
    this.close = focusable("button", { type: "button", title: "Close (Escape)" }, "Close");
    this.close.addEventListener("click", () => this.desk.set("help", false));
    const head = make("div", { class: "eslab-helphead" }, make("strong", {}, "Keys"), this.close);
    this.node = make("section", { class: "eslab-help", "aria-label": "Keys" }, head, list);
    hide(this.node, true);
  }

  update() {
    if (this.node.hidden !== this.desk.help) return;
    hide(this.node, !this.desk.help);
    if (this.desk.help) {
      this.from = document.activeElement;
      this.close.focus({ preventScroll: true });
    } else if (this.node.contains(document.activeElement) || document.activeElement === document.body) this.from?.focus({ preventScroll: true });
  }
}

/** A line that says what a viewer must be told: why a wish was refused, that an answer is awaited. */
class Message {
  constructor(session) {
    this.desk = session.desk;
    this.text = make("span");
    this.close = focusable("button", { type: "button", "aria-label": "Close this message", title: "Close this message" }, "✕");
    this.close.addEventListener("click", () => this.desk.set("message", ""));
    this.node = make("div", { class: "eslab-message", role: "status" }, this.text, this.close);
  }

  update() {
    const { message, waiting } = this.desk;
    write(this.text, visible(message || (waiting === null ? "" : "Folding again…"), 800));
    hide(this.close, !message);
    flag(this.node, "empty", this.text.written ? undefined : "true");
  }
}
