// ---- Rail: the strip of the whole history, with the slider under it, and the lanes beside it ---------------------------------

/** The picture of the whole line: lanes by type, what is marked, the cursor; and the slider that steps along it. */
export class Rail {
  constructor(session) {
    this.session = session;
    this.line = session.line;
    Object.assign(this, lanesOf(this.line));
    this.failures = failingRows(this.line);
    this.picture = new StripPicture();
    this.cursor = make("div", { class: "eslab-cursor" });
    this.tip = make("div", { class: "eslab-tip", "aria-hidden": "true", hidden: "" });
    this.ends = [make("span", { class: "eslab-end" }), make("span", { class: "eslab-end" })];
    this.strip = make("div", { class: "eslab-strip", role: "img" }, this.picture.bars, this.picture.marks, ...this.ends, this.cursor, this.tip);
    this.strip.setAttribute("aria-label", `The whole history. ${stripText(this.lanes, this.line.length, this.failures.length)}`);
    this.node = make("div", { class: "eslab-rail" }, this.#labels(), this.strip, this.#under(), this.#slider());
    flag(this.node, "lanes", this.lanes.length > 5 ? "many" : this.lanes.length > 3 ? "some" : "few");
    this.#listen();
    this.#layOut();
  }

  #labels() {
    this.caption = make("span", { class: "eslab-scale", title: "A stroke is as high as the root of how many events it stands for" });
    this.buttons = this.lanes.map((lane, index) => this.#laneButton(lane, index));
    const changed = make("span", { class: "eslab-lane", "data-lane": "what-if" });
    changed.append(make("span", { class: "eslab-lanename" }, "what if"), make("span", { class: "eslab-lanecount" }, this.#whatIf()));
    const lanes = [...this.buttons, ...(this.line.branch ? [changed] : [])];
    return make("div", { class: "eslab-lanes", role: "group", "aria-label": "Show only these types" }, this.caption, ...lanes);
  }

  #laneButton(lane, index) {
    const name = laneName(lane);
    const types = lane.names.map((type) => visible(type, 60)).join(", ");
    const button = focusable("button", { type: "button", class: "eslab-lane", title: `Show only ${types}` });
    const swatch = make("span", { class: "eslab-swatch" });
    swatch.style.background = `var(--lane-${index})`;
    button.append(swatch, make("span", { class: "eslab-lanename" }, name), make("span", { class: "eslab-lanecount" }, grouped(lane.count)));
    button.addEventListener("click", () => this.session.desk.set("query", toggleTypes(this.session.desk.query, this.#namesOf(lane))));
    return button;
  }

  /** The names by which a lane's types are searched for: short, where that is not ambiguous. */
  #namesOf(lane) {
    const all = this.lanes.flatMap(({ names }) => names).map((name) => typeParts(name)[1]);
    return lane.names.map((name) => (all.filter((one) => one === typeParts(name)[1]).length === 1 ? typeParts(name)[1] : name));
  }

  #whatIf() {
    const count = { "-": 0, "+": 0 };
    for (const [kind, rows] of this.line.runs) if (kind in count) count[kind] += rows;
    return [count["-"] ? `−${grouped(count["-"])}` : "", count["+"] ? `+${grouped(count["+"])}` : ""].filter(Boolean).join(" ");
  }

  #under() {
    const { desk } = this.session;
    const late = this.line.trace.lag || this.line.branch;
    const choices = late ? STRIP_CLOCKS : [[this.line.trace.order, "in order"], [`${this.line.trace.order} time`, "by time"]];
    this.clock = focusable("select", { "aria-label": "How the strip is laid out", title: "How the strip is laid out: one event after the other, or by time" });
    for (const [value, text] of choices) this.clock.append(make("option", { value }, text));
    this.clock.addEventListener("change", () => desk.set("clock", this.clock.value));
    const meaning = "Show keyframes: states that are kept, so that a jump need not start at the beginning";
    this.keyframes = tool("keys", meaning, () => desk.set("keyframes", !desk.keyframes));
    return make("div", { class: "eslab-under" }, this.clock, this.keyframes);
  }

  #slider() {
    const { playback } = this.session;
    this.slider = focusable("input", { type: "range", min: 0, max: playback.length, step: 1, class: "eslab-slider", "aria-label": "Position in the history" });
    this.slider.addEventListener("input", () => playback.jump(this.slider.valueAsNumber));
    this.slider.disabled = playback.length === 0;
    return this.slider;
  }

  #listen() {
    this.resizing = new ResizeObserver(() => this.#sized());
    this.resizing.observe(this.strip);
    this.stopTheme = onTheme(() => ((this.inks = null), this.#paint()));
    this.strip.addEventListener("pointerdown", (event) => event.button === 0 && this.#grab(event));
    this.strip.addEventListener("pointermove", (event) => this.#moved(event));
    this.strip.addEventListener("pointerleave", () => hide(this.tip, true));
  }

  dispose() {
    this.resizing.disconnect();
    this.stopTheme();
  }

  #grab(event) {
    event.preventDefault();
    this.strip.setPointerCapture(event.pointerId);
    this.slider.focus({ preventScroll: true });
    this.session.playback.jump(this.#rowAt(event, true));
  }

  #moved(event) {
    const held = event.buttons & 1;
    const row = this.#rowAt(event, !held);
    if (held) this.session.playback.jump(row);
    const note = this.session.desk.notes.get(row);
    const parts = [positionText(this.line, row), this.line.says.get(row), row && this.line.error(row) ? "the fold fails here" : "", note ? `note: ${note}` : ""];
    write(this.tip, visible(parts.filter(Boolean).join(" · "), 160));
    hide(this.tip, false);
    const x = this.picture.x(this.layout.places[row]);
    this.tip.style.transform = `translateX(${x}px) translateX(${x > this.picture.width / 2 ? "calc(-100% - 8px)" : "8px"})`;
  }

  /** The row that is pointed at: a flag or a failure, an event of the lane, or else the nearest event. */
  #rowAt(event, exact) {
    const box = this.strip.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const place = Math.max(0, Math.min(1, (x - EDGE) / Math.max(1, box.width - 2 * EDGE)));
    const reach = 7 / Math.max(1, box.width - 2 * EDGE);
    if (!exact) return nearestRow(this.layout, place);
    if (y < this.picture.top + BAND) return this.#markAt(place, reach) ?? nearestRow(this.layout, place);
    return nearestInLane(this.layout, this.of, Math.floor((y - this.picture.top - BAND) / this.laneHeight), place, reach) ?? nearestRow(this.layout, place);
  }

  #markAt(place, reach) {
    const rows = [...this.session.desk.notes.keys(), ...this.failures].filter((row) => row <= this.line.length);
    const far = (row) => Math.abs(this.layout.places[row] - place);
    return rows.filter((row) => far(row) <= reach).sort((one, other) => far(one) - far(other))[0] ?? null;
  }

  #layOut() {
    this.layout = placesOf(this.line, this.session.desk.clock);
    const { from, to } = this.layout;
    const text = (time) => (time === undefined ? "" : clock(time).replace(/ UTC$/, "").slice(0, to - from > 3 * 86_400_000 ? 10 : 16));
    const one = from !== undefined && from === to;
    write(this.ends[0], one ? `all at ${clock(from)}` : text(from));
    write(this.ends[1], one ? "" : text(to));
    flag(this.node, "times", from === undefined ? undefined : "true");
    if (!this.#sized() && this.picture.width) this.#count();
  }

  /** Fit the picture to the page; true if that made it anew. */
  #sized() {
    const { clientWidth: width, clientHeight: height } = this.strip;
    const { picture } = this;
    if (!width || (width === picture.width && height === picture.height && picture.ratio === window.devicePixelRatio)) return false;
    this.laneHeight = this.buttons[0]?.offsetHeight ?? height - BAND - FOOT;
    picture.resize(width, height, height - FOOT - BAND - this.laneHeight * (this.lanes.length + Number(Boolean(this.line.branch))));
    this.#count();
    return true;
  }

  #count() {
    const byTime = this.layout.from !== undefined;
    this.kept = {};
    const columns = columnsFor(this.picture.width - 2 * EDGE, this.line.length, byTime);
    this.bins = new Bins(this.layout.places, this.of, this.lanes.length, columns);
    this.bins.moveTo(this.session.playback.position);
    write(this.caption, this.line.length ? scaleText(this.bins.most) || "one stroke for each event" : "");
    this.#paint();
  }

  #paint() {
    if (!this.bins) return;
    this.inks ??= inksOf(this.node, this.lanes.length);
    this.picture.paintBars(this.bins, this.laneHeight, this.inks);
    this.marked = null;
    this.update();
  }

  update() {
    const { playback, desk } = this.session;
    const { position, length } = playback;
    if (this.drawnClock !== desk.clock) {
      this.drawnClock = this.clock.value = desk.clock;
      this.#layOut();
    }
    if (this.slider.drawn !== position) this.#slide(position, length);
    if (this.drawnQuery !== desk.query) this.#choose((this.drawnQuery = desk.query));
    press(this.keyframes, desk.keyframes);
    if (!this.bins) return;
    if (position !== this.bins.position) this.picture.paintBars(this.bins, this.laneHeight, this.inks, this.bins.moveTo(position));
    this.cursor.style.transform = `translateX(${this.picture.x(this.layout.places[position])}px)`;
    this.#marks(position);
  }

  #slide(position, length) {
    this.slider.drawn = position;
    this.slider.value = position;
    this.slider.style.setProperty("--filled", `${length ? (100 * position) / length : 0}%`);
    this.slider.setAttribute("aria-valuetext", positionText(this.line, position));
  }

  #choose(query) {
    const chosen = typesIn(query);
    this.lanes.forEach((lane, index) => {
      const meant = chosen.length > 0 && chosenNames(lane.names, chosen).every(Boolean);
      press(this.buttons[index], meant);
    });
  }

  /** Paint what is marked, if it is not what is painted. */
  #marks(position) {
    const { desk, playback, history } = this.session;
    const links = linksOf(this.line, position);
    const place = this.layout.straight ? -1 : position;
    const wanted = [desk.notes, desk.pin, desk.matches, playback.loop, desk.keyframes && history.keyframes.length, String(links), place];
    if (this.marked && wanted.every((one, index) => one === this.marked[index])) return;
    this.marked = wanted;
    this.#paintMarks(links, position);
  }

  #paintMarks(links, position) {
    const { inks, picture, line } = this;
    const { desk, playback, history } = this.session;
    const pen = picture.clearMarks();
    const x = (row) => picture.x(this.layout.places[Math.min(row, line.length)]);
    if (playback.loop) picture.range(pen, x(playback.loop[0]), x(playback.loop[1] ?? playback.loop[0]), inks.link);
    if (line.parts) picture.upright(pen, x(line.parts - 1), inks.quiet, [5, 4]);
    if (line.branch) picture.whatIf(pen, line, x, BAND + (this.lanes.length + 0.5) * this.laneHeight, inks);
    if (desk.keyframes) picture.foot(pen, this.#spots("keyframes", history.keyframes.map((_, index) => line.rowOf(index * history.spacing))), inks.quiet, 5);
    if (desk.matches) picture.foot(pen, this.#spots("matches", desk.matches.rows), inks.link, 7);
    const notes = [...this.#spots("notes", [...desk.notes.keys()])];
    const aside = (at) => (notes.some((note) => Math.abs(note - at) < 6) ? 8 : 0); // a failure with a note stands beside its flag
    for (const at of this.#spots("failures", this.failures)) picture.failure(pen, at - aside(at), inks);
    for (const at of notes) picture.flag(pen, at, inks);
    for (const [cause, effect] of links) picture.link(pen, x(cause), x(effect), inks.fg);
    if (desk.pin !== null) picture.pinned(pen, x(desk.pin), inks);
    if (!this.layout.straight && position) picture.join(pen, x(position), picture.x(position / line.length), inks.accent);
  }

  /** Where these rows stand, in whole px, each place once; kept until the rows or the picture are others. */
  #spots(name, rows) {
    if (this.kept[name]?.rows !== rows) {
      const spots = new Set();
      for (const row of rows) if (row <= this.line.length) spots.add(Math.round(this.picture.x(this.layout.places[row])));
      this.kept[name] = { rows, spots };
    }
    return this.kept[name].spots;
  }
}
