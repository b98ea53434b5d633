// ---- Watch: a low chart of the watched field over all time, with a cursor at the current step --------------------------------

let datalists = 0;

/** The chart of the watched field; or the field in which to choose one. */
export class Watch {
  constructor(session) {
    this.session = session;
    this.line = session.line;
    watcherOf(session);
    this.title = make("span", { class: "eslab-watchtitle" });
    this.offers = make("datalist", { id: `eslab-fields-${(datalists += 1)}` });
    const kind = { type: "text", class: "eslab-field", spellcheck: "false", autocomplete: "off" };
    this.field = focusable("input", { ...kind, list: this.offers.id, "aria-label": "Field to watch", placeholder: "another field" });
    this.field.addEventListener("focus", () => this.#offer());
    this.field.addEventListener("change", () => this.#choose());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.close = tool("close", "Watch no field", () => this.#end());
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.cursor = make("div", { class: "eslab-cursor" });
    this.plot = make("div", { class: "eslab-plot", role: "img" }, this.canvas, this.cursor);
    this.axis = make("div", { class: "eslab-axis", "aria-hidden": "true" });
    this.chart = make("div", { class: "eslab-chart" }, this.axis, this.plot);
    const head = make("div", { class: "eslab-watchhead" }, this.title, this.field, this.offers, this.close);
    this.node = make("div", { class: "eslab-watch", role: "region", "aria-label": "Watched field" }, head, this.chart);
    this.node.hidden = true;
    this.#listen();
  }

  #listen() {
    this.resizing = new ResizeObserver(() => this.#paint());
    this.resizing.observe(this.plot);
    this.stopTheme = onTheme(() => ((this.inks = null), this.#paint()));
    this.plot.addEventListener("pointerdown", (event) => event.button === 0 && this.#grab(event));
    this.plot.addEventListener("pointermove", (event) => event.buttons & 1 && this.#jump(event));
  }

  dispose() {
    this.resizing.disconnect();
    this.stopTheme();
  }

  #grab(event) {
    event.preventDefault();
    this.plot.setPointerCapture(event.pointerId);
    this.#jump(event);
  }

  #jump(event) {
    const box = this.plot.getBoundingClientRect();
    this.session.playback.jump(Math.round((this.line.length * (event.clientX - box.left)) / Math.max(1, box.width)));
  }

  #offer() {
    const { history, playback } = this.session;
    const state = history.seek(this.line.before[playback.position]);
    this.paths = pathsOf(state, history.changes);
    this.offers.replaceChildren(...[...this.paths.keys()].map((text) => make("option", { value: text })));
  }

  #choose() {
    const path = pathFrom(this.field.value, this.paths);
    if (!path.length) return;
    this.field.value = "";
    watch(this.session, path);
  }

  #key(event) {
    if (event.key === "Enter") this.#choose();
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
  }

  /** Empty the field; or, if it is, leave it; and close it with nothing to show. */
  #leave() {
    if (this.field.value) this.field.value = "";
    else if (!this.session.desk.watched) this.#end();
    else this.node.closest(".eslab-player")?.focus({ preventScroll: true });
  }

  #end() {
    const inside = this.node.contains(document.activeElement);
    this.session.desk.set("watching", false);
    watch(this.session, null);
    if (inside) this.node.closest(".eslab-player")?.focus({ preventScroll: true });
  }

  update() {
    const { desk, playback } = this.session;
    const { watched, watching, series } = desk;
    hide(this.node, !watched && !watching);
    if (!watched && !watching) return void (this.shown = undefined);
    hide(this.chart, !watched);
    const opened = this.shown === undefined && !watched;
    if (this.shown !== (watched ?? null)) this.field.placeholder = watched ? "another field" : "a field, as in “Ada › balance”";
    this.shown = watched ?? null;
    if (opened && this.node.closest(".eslab-player")?.contains(document.activeElement)) this.field.focus();
    if (!watched) return write(this.title, "Watch a field: click a value, or write its path");
    if (series?.path === watched && series !== this.series) this.#drawSeries(series);
    write(this.title, this.#words(series, playback.position));
    if (this.width) this.cursor.style.transform = `translateX(${this.#x(playback.position)}px)`;
  }

  #x(row) {
    return this.line.length ? (this.width * row) / this.line.length : 0;
  }

  /** "Arsenal › points: 79 after event 384; what if: 76". */
  #words(series, row) {
    const name = pathText(this.session.desk.watched);
    if (!series || series.path !== this.session.desk.watched) return name;
    const [before, after] = [this.line.before[row], this.line.after[row]];
    const said = (one, number) => (one.at(number) === undefined ? "not there" : scalarText(one.at(number), 60));
    const now = `${name}: ${said(series.all[0], before)} ${before ? `after event ${grouped(before)}` : "at the start"}`;
    const other = series.all[1] ? ` · what if: ${said(series.all[1], after)}` : "";
    return `${now}${other}${series.busy ? " · looking…" : ""}`;
  }

  #drawSeries(series) {
    this.series = series;
    this.scale = scaleOf(series.all);
    const { levels, low, high } = this.scale;
    const marks = levels ?? (low === undefined ? [] : low === high ? [String(low)] : [low, high].map((number) => String(Number(number.toPrecision(7)))));
    flag(this.axis, "one", marks.length === 1 ? "true" : undefined);
    this.axis.replaceChildren(...marks.map((text) => make("span", {}, visible(text, 24))));
    const range = levels ? `${levels.length} values: ${levels.join(", ")}` : marks.length ? `from ${marks[0]} to ${marks[marks.length - 1]}` : "never there";
    this.plot.setAttribute("aria-label", `${pathText(series.path)} over all events, ${range}; it changes ${grouped(series.all[0].values.length - 1)} times`);
    this.#paint();
  }

  #paint() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !this.series) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.inks ??= inksOf(this.node, 0);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.series.all.forEach((one, index) => this.#stroke(pen, one, height, index ? { ink: this.inks.amber, dashes: [5, 3] } : { ink: this.inks.link, dashes: [] }));
    this.cursor.style.transform = `translateX(${this.#x(this.session.playback.position)}px)`;
  }

  /** Steps: flat until the next change, and nothing where the field is missing. */
  #stroke(pen, { numbers, values, trace }, height, { ink, dashes }) {
    const y = (level) => 4 + (height - 8) * (1 - level);
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.setLineDash(dashes);
    pen.beginPath();
    let drawing = false;
    values.forEach((value, index) => {
      const level = this.scale.level(value);
      const from = this.#x(index ? this.line.rowOn(trace, numbers[index]) : 0);
      const to = this.#x(index + 1 < numbers.length ? this.line.rowOn(trace, numbers[index + 1]) : this.line.length);
      if (level !== null) {
        pen[drawing ? "lineTo" : "moveTo"](from, y(level));
        pen.lineTo(to, y(level));
      }
      drawing = level !== null;
    });
    pen.stroke();
    pen.setLineDash([]);
  }
}
