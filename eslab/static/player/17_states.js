// ---- States: the state at the position, with what the event changed; several views and both lines side by side ----

/** How a view stands when `happened` events have: how many of them it has handled, its checkpoint in the log, and how many it is behind. */
export function standingOf(trace, { every, stop }, happened) {
  const handled = Math.min(happened - (happened % every), stop ?? happened);
  return { handled, checkpoint: handled ? trace.event(handled).position : 0, lag: happened - handled };
}

/** What stands side by side: the whole state or each of its views (by name), of the history and of the branch. */
export function panesOf(session) {
  const sides = session.branch ? ["history", "branch"] : ["history"];
  return sides.flatMap((side) => {
    const { views } = session[side].trace;
    return views.length ? views.map((view) => ({ side, view })) : [{ side, view: null }];
  });
}

/** What each side shows at a row: its state, the marks of what is different: from the step before, the pin, or the history. */
export class Moments {
  constructor(session) {
    this.session = session;
    this.pinned = null;
  }

  at(row) {
    const { desk, line } = this.session;
    const history = desk.pin === null ? this.#step(row) : this.#fromPin(row, desk.pin);
    if (!this.session.branch) return { history };
    const [replay, number] = this.session.moment("branch", row);
    const state = replay.seek(number);
    const marks = marksBetween(history.state, state);
    const problem = number ? replay.changes.problem : undefined;
    return { history, branch: { state, marks, problem, between: true, parted: line.parts > 0 && row >= line.parts } };
  }

  #step(row) {
    const [replay, number] = this.session.moment("history", row);
    const state = replay.seek(number);
    const happened = row > 0 && this.session.line.kind(row) !== "+";
    const { changes } = replay;
    return { state, replay, marks: marksOf(happened ? changes : []), problem: number ? changes.problem : undefined };
  }

  #fromPin(row, pin) {
    const [replay, number] = this.session.moment("history", row);
    if (this.pinned?.row !== pin) this.pinned = { row: pin, state: copy(replay.seek(this.session.line.before[pin])) };
    const state = replay.seek(number);
    return { state, marks: marksBetween(this.pinned.state, state), between: true };
  }
}

const NOTHING = emptyMark();

/** A state, or one view of it, with what is different in it. */
class StatePane {
  constructor(session, { side, view }) {
    Object.assign(this, { session, side, view });
    this.title = make("span", { class: "eslab-when" });
    this.words = make("span", { class: "eslab-words" });
    this.handled = make("span");
    this.behind = make("span", { class: "eslab-behind" });
    this.standing = make("div", { class: "eslab-standing" }, make("span", { class: "eslab-bar", "aria-hidden": "true" }, this.handled), this.behind);
    this.problem = make("p", { class: "eslab-error" });
    this.blocks = new Blocks();
    this.layouter = new Layouter();
    this.scroll = focusable("div", { class: "eslab-scroll", role: "region", tabindex: "0" }, this.problem, this.blocks.node);
    this.node = make("div", { class: "eslab-state" }, make("div", { class: "eslab-statehead" }, this.title, this.words), this.standing, this.scroll);
    flag(this.node, "side", side);
    hide(this.standing, !view);
    this.viewport = { top: 0, height: 400, row: 26, narrow: false };
    this.at = 0; // where it is scrolled to; `viewport.top` is where it is to be
    this.scroll.setAttribute("aria-label", [view && visible(view.name, 60), side === "branch" && "what if", "state"].filter(Boolean).join(", "));
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.scroll.addEventListener("click", (event) => this.#clicked(event));
  }

  #scrolled() {
    if (this.scroll.scrollTop === this.at) return;
    this.viewport.top = this.at = this.scroll.scrollTop;
    this.blocks.draw(this.viewport);
  }

  /** A click on a value watches it. */
  #clicked(event) {
    const path = event.target.closest("td")?.closest("table")?.pathOf?.(event.target.closest("td"));
    if (path && this.side === "history" && !String(getSelection())) watch(this.session, [...(this.view ? [this.view.name] : []), ...path]);
  }

  resize() {
    this.viewport.height = this.scroll.clientHeight;
    this.at = this.scroll.scrollTop;
    this.#fit(this.scroll.clientWidth < (this.session.desk.large ? 840 : 480));
    this.viewport.row = this.session.desk.large ? 34 : 26;
    this.blocks.forget(); // how far down its rows begin
    this.blocks.draw(this.viewport);
    this.unsettled = "look";
    this.settle(false);
  }

  /** In a narrow pane tables are brief. */
  #fit(narrow) {
    if (this.viewport.narrow === narrow) return;
    this.viewport.narrow = narrow;
    this.blocks.refill(this.viewport);
  }

  /** Show this pane's part of what its side shows; the words that say what is different are returned. */
  update({ state, marks, replay, problem, between, parted }, row, moving) {
    const part = this.view ? get(state, this.view.name) : state;
    const own = this.view ? marks.children?.get(this.view.name) ?? NOTHING : marks;
    const words = changeWords(own, part);
    this.#head(row, words, between ? countMarks(own) : 0, parted);
    if (this.view) this.#stand(row);
    write(this.problem, problem ? `⚠ This step does not fit the state: ${visible(problem)}` : "");
    hide(this.problem, !problem);
    this.viewport.watched = this.#watched();
    const fresh = between || part === undefined;
    const blocks = fresh ? withChanged(layout(part, own)) : this.layouter.of(part, row ? own : NOTHING, replay);
    const span = moving === null ? null : this.blocks.spanAhead(blocks, this.viewport);
    if (span) this.viewport.top = this.#topFor(span);
    this.blocks.update(blocks, this.viewport);
    this.unsettled = moving === null ? "" : span ? "scroll" : "look";
    return words;
  }

  #watched() {
    const { watched } = this.session.desk;
    if (!watched || this.side === "branch") return null;
    if (!this.view) return watched;
    return watched[0] === this.view.name ? watched.slice(1) : null;
  }

  #head(row, words, count, parted) {
    const pinned = this.session.desk.pin !== null && this.side === "history";
    write(this.title, this.#name(row, pinned));
    write(this.words, this.#summary(row, words, count, pinned, parted));
    const all = words.join("\n");
    if (this.words.title !== all) this.words.title = all;
  }

  #name(row, pinned) {
    const { desk, line, branch } = this.session;
    const side = this.side === "branch" ? "What if" : branch ? "History" : "";
    const names = [side, this.view ? visible(this.view.name, 60) : ""].filter(Boolean);
    if (pinned) return [...names, `From step ${grouped(desk.pin)} to step ${grouped(row)}`].join(" · ");
    return names.join(" · ") || (row ? `State after event ${grouped(line.before[row])}` : "State at the start");
  }

  #summary(row, words, count, pinned, parted) {
    const listed = words.join("   ·   ");
    if (this.side === "branch") return count ? `${differencesText(count)}:  ${listed}` : parted ? "the same state" : "the same so far";
    if (pinned) return count ? `${differencesText(count)}:  ${listed}` : "no difference";
    if (!row) return "";
    if (this.session.line.kind(row) === "+") return "not in the history";
    if (!words.length && this.session.line.failures(row)[0]?.side === "history") return "the fold failed: as before";
    return (words.length > 2 ? `${words.length} changes:  ` : "") + listed || (this.view ? "" : "nothing changed");
  }

  #stand(row) {
    const [replay, happened] = this.session.moment(this.side, row);
    const { handled, checkpoint, lag: behind } = standingOf(replay.trace, this.view, happened);
    const text = behind ? `${grouped(behind)} behind` : "up to date";
    write(this.behind, `${text} · checkpoint ${grouped(checkpoint)}`);
    flag(this.standing, "behind", behind ? "true" : undefined);
    this.handled.style.width = `${happened ? (100 * handled) / happened : 100}%`;
  }

  /** The scroll position nearest to the present one that shows a span. */
  #topFor(span) {
    const { top, height } = this.viewport;
    const size = Math.min(span[1] - span[0], height - 60); // what does not fit is shown from its top
    return scrollToShow(top, height, span[0], size, 44);
  }

  /** Scroll to what changed, and let rows slide to their places; done last, because it has the page laid out. */
  settle(moving) {
    if (this.unsettled === "look") this.#look();
    if (this.viewport.top !== this.at) this.scroll.scrollTop = this.at = this.viewport.top;
    if (this.unsettled && this.viewport.narrow && this.session.desk.large) this.#aside();
    if (moving) this.blocks.slide();
    this.unsettled = "";
  }

  /** In large type a table may be wider than its pane: what changed furthest to the right is brought into sight, the keys stay. */
  #aside() {
    const { scrollLeft, scrollWidth, clientWidth } = this.scroll;
    const ends = scrollWidth > clientWidth ? [...this.scroll.querySelectorAll("td[data-changed]")].map((cell) => cell.offsetLeft + cell.offsetWidth) : [];
    const wanted = Math.max(0, ...ends.map((end) => end - clientWidth + 10));
    if (ends.length && wanted !== scrollLeft) this.scroll.scrollLeft = wanted;
  }

  #look() {
    const span = this.blocks.changedSpan(this.viewport);
    const target = span ? this.#topFor(span) : this.viewport.top;
    if (target === this.viewport.top) return;
    this.viewport.top = target;
    this.blocks.draw(this.viewport);
  }
}

const differencesText = (count) => `${grouped(count)} difference${count === 1 ? "" : "s"}`;

function withChanged(blocks) {
  for (const block of blocks) block.changed = changedRows(block.rows);
  return blocks;
}

/** All panes; what is different in each is said in words. */
class States {
  constructor(session) {
    this.session = session;
    this.moments = new Moments(session);
    this.panes = panesOf(session).map((pane) => new StatePane(session, pane));
    this.node = make("div", { class: "eslab-states" }, ...this.panes.map(({ node }) => node));
    const count = this.panes.length;
    const columns = session.branch && count > 2 ? Math.ceil(count / 2) : count;
    this.node.style.setProperty("--columns", columns);
  }

  resize() {
    for (const pane of this.panes) pane.resize();
  }

  /** Show the moment of a row; `moving` lets rows slide to their new places. */
  update(moving) {
    const { position } = this.session.playback;
    const { pin, watched } = this.session.desk;
    const same = this.drawn?.position === position;
    if (same && this.drawn.pin === pin && this.drawn.watched === watched) return this.words;
    this.drawn = { position, pin, watched };
    const sides = this.moments.at(position);
    this.words = this.panes.flatMap((pane) => this.#named(pane, pane.update(sides[pane.side], position, same ? null : moving)));
    return this.words;
  }

  settle(moving) {
    for (const pane of this.panes) if (pane.unsettled) pane.settle(moving);
  }

  #named({ side, view }, words) {
    if (side === "branch") return words.length ? [`what if: ${words[0]}`] : [];
    return view ? words.map((word) => `${visible(view.name, 40)}: ${word}`) : words;
  }

  contains(node) {
    return this.panes.some(({ scroll }) => scroll === node);
  }
}
