// ---- Strip, painted: bars on one canvas, and on another what is marked on them ----------------------------------------------

const EDGE = 9; // half the slider's thumb, in px: so the thumb stands under the cursor
const BAND = 20; // above the lanes: flags, failures, links; below the times, where the strip is laid out by time
const FOOT = 8; // below the lanes: what the search found, keyframes

/** The rows at which the fold fails, in the history or in the branch, in order. */
export function failingRows(line) {
  const rows = [line.trace, line.branch].flatMap((trace) => (trace ? Object.keys(trace.errors).map((number) => line.rowOn(trace, Number(number))) : []));
  return [...new Set(rows)].sort((one, other) => one - other);
}

/** The rows of the event that caused that of a row, and of those that it caused: [[cause, effect], …]. */
export function linksOf(line, row) {
  if (!row) return [];
  const [trace, number] = line.place(row);
  const cause = trace.causeOf(number);
  const effects = trace.effectsOf(number).map((effect) => [row, line.rowOn(trace, effect)]);
  return cause ? [[line.rowOn(trace, cause), row], ...effects] : effects;
}

const INKS = { bg: "--bg", fg: "--fg", quiet: "--quiet", accent: "--accent", link: "--link", red: "--red-ink", amber: "--amber-ink" };

/** The colours of the page as they are now, for a canvas. */
function inksOf(node, lanes) {
  const probe = node.appendChild(make("span", { class: "eslab-live" }));
  const read = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const inks = Object.fromEntries(Object.entries(INKS).map(([name, variable]) => [name, read(variable)]));
  inks.lanes = Array.from({ length: lanes }, (_, index) => read(`--lane-${index}`));
  probe.remove();
  return inks;
}

/** Call `act` when the theme of the page changes; the function returned ends that. */
function onTheme(act) {
  const later = () => requestAnimationFrame(act);
  const watching = new MutationObserver(later);
  const attributeFilter = ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class"];
  for (const node of [document.body, document.documentElement]) watching.observe(node, { attributes: true, attributeFilter });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", later);
  return () => (watching.disconnect(), dark.removeEventListener("change", later));
}

/** Two canvases of one size, crisp on every screen; `x` turns a place, 0 … 1, into px. */
class StripPicture {
  constructor() {
    this.bars = make("canvas", { "aria-hidden": "true" });
    this.marks = make("canvas", { "aria-hidden": "true" });
    [this.width, this.height, this.ratio, this.top] = [0, 0, 1, 0];
  }

  /** Of that many CSS px; the marks begin at `top`, the lanes BAND below it. */
  resize(width, height, top) {
    this.top = top;
    this.ratio = window.devicePixelRatio || 1;
    [this.width, this.height] = [width, height];
    for (const canvas of [this.bars, this.marks]) {
      [canvas.width, canvas.height] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
      [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
    }
  }

  x(place) {
    return EDGE + (this.width - 2 * EDGE) * place;
  }

  /** Paint the bars of all columns, or of those that were touched. */
  paintBars(bins, lane, inks, touched = null) {
    const pen = this.bars.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (!touched || touched.size > bins.columns / 2) {
      pen.clearRect(0, 0, this.width, this.height);
      for (let column = 0; column < bins.columns; column += 1) this.#bar(pen, bins, lane, inks, column);
      return;
    }
    for (const column of touched) {
      const [left, width] = this.#span(bins, column);
      pen.clearRect(left, 0, width, this.height);
      this.#bar(pen, bins, lane, inks, column);
    }
  }

  /** Left and width of a column: whole pixels of the screen, so that neighbours never overlap. */
  #span(bins, column) {
    const whole = (x) => Math.round(x * this.ratio) / this.ratio;
    const pitch = bins.columns > 1 ? (this.width - 2 * EDGE) / (bins.columns - 1) : 8;
    const x = this.x(bins.columns > 1 ? column / (bins.columns - 1) : 0);
    const half = Math.min(7, pitch > 4 ? 0.64 * pitch : pitch) / 2;
    const gap = pitch > 2.5 && pitch <= 4 ? 1 / this.ratio : 0;
    const left = whole(x - half);
    return [left, Math.max(1 / this.ratio, whole(x + half) - left - gap)];
  }

  #bar(pen, bins, lane, inks, column) {
    const [left, width] = this.#span(bins, column);
    for (let index = 0; index < bins.lanes; index += 1) {
      const count = bins.counts[index * bins.columns + column];
      if (!count) continue;
      const past = bins.past[index * bins.columns + column];
      const height = Math.max(3, (lane - 4) * Math.sqrt(count / bins.most)); // the root, so that a single event is not lost
      const bottom = this.top + BAND + (index + 1) * lane - 1;
      pen.fillStyle = inks.lanes[index];
      pen.globalAlpha = 0.36;
      pen.fillRect(left, bottom - height, width, height);
      pen.globalAlpha = 1;
      const done = past === count ? height : past ? Math.max(1.5, (height * past) / count) : 0;
      if (done) pen.fillRect(left, bottom - done, width, done);
    }
  }

  /** Begin the marks anew; the pen for them. */
  clearMarks() {
    const pen = this.marks.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.translate(0, this.top);
    return pen;
  }

  range(pen, from, to, ink) {
    pen.fillStyle = ink;
    pen.globalAlpha = 0.15;
    const height = this.height - this.top - BAND + 6;
    pen.fillRect(from, BAND - 6, Math.max(2, to - from), height);
    pen.globalAlpha = 1;
    for (const [x, way] of [[from, 1], [to, -1]]) {
      pen.fillRect(x - (way > 0 ? 0 : 2), BAND - 6, 2, height);
      pen.fillRect(way > 0 ? x : x - 6, BAND - 6, 6, 2);
    }
  }

  upright(pen, x, ink, dashes = []) {
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.setLineDash(dashes);
    pen.beginPath();
    pen.moveTo(x, 4);
    pen.lineTo(x, this.height - this.top);
    pen.stroke();
    pen.setLineDash([]);
  }

  /** A shape of points around x, filled, with an edge that keeps it apart from what is behind it. */
  shape(pen, x, points, ink, edge) {
    pen.beginPath();
    points.forEach(([right, down], index) => (index ? pen.lineTo(x + right, down) : pen.moveTo(x + right, down)));
    pen.closePath();
    pen.lineJoin = "round";
    pen.lineWidth = 2.5;
    pen.strokeStyle = edge;
    pen.stroke();
    pen.fillStyle = ink;
    pen.fill();
  }

  failure(pen, x, inks) {
    this.shape(pen, x, [[0, 3], [7, 16], [-7, 16]], inks.red, inks.bg);
    pen.fillStyle = inks.bg;
    pen.fillRect(x - 0.9, 7.5, 1.8, 4.2);
    pen.fillRect(x - 0.9, 12.8, 1.8, 1.8);
  }

  flag(pen, x, inks) {
    this.shape(pen, x, [[-1, 2], [9, 5.5], [1, 9.5], [1, 19], [-1, 19]], inks.link, inks.bg);
  }

  pinned(pen, x, inks) {
    this.upright(pen, x, inks.amber, [3, 3]);
    const foot = this.height - this.top - 7;
    this.shape(pen, x, [[0, foot - 6], [-6, foot], [0, foot + 6], [6, foot]], inks.amber, inks.bg);
  }

  /** Short strokes in the foot. */
  foot(pen, spots, ink, size) {
    pen.fillStyle = ink;
    for (const x of spots) pen.fillRect(x - 1, this.height - this.top - size, 2, size);
  }

  /** An arrow from a cause to its effect, arching over the lanes. */
  link(pen, from, to, ink) {
    const [top, bottom] = [3, BAND - 1];
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1.75;
    pen.beginPath();
    pen.moveTo(from, bottom);
    pen.bezierCurveTo(from, top - 4, to, top - 4, to, bottom - 4);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(to, bottom + 1);
    pen.lineTo(to - 4, bottom - 6);
    pen.lineTo(to + 4, bottom - 6);
    pen.fill();
    pen.beginPath();
    pen.arc(from, bottom, 2.5, 0, 7);
    pen.fill();
  }

  /** The rows that only one of history and branch has: a stroke for each that is left out, a cross for each that is new. */
  whatIf(pen, line, x, middle, inks) {
    const seen = new Set();
    let row = 0;
    for (const [kind, count] of line.runs) {
      for (let done = 1; done <= count && kind !== "="; done += 1) seen.add(`${kind}${Math.round(x(row + done))}`);
      row += count;
    }
    for (const spot of seen) {
      const [isNew, at] = [spot[0] === "+", Number(spot.slice(1))];
      pen.fillStyle = isNew ? inks.fg : inks.red;
      pen.fillRect(at - 4.5, middle - 1.5, 9, 3);
      if (isNew) pen.fillRect(at - 1.5, middle - 4.5, 3, 9);
    }
  }

  /** A line from the cursor down to the slider's thumb, where the two stand apart. */
  join(pen, from, to, ink) {
    if (Math.abs(from - to) < 2) return;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(from, this.height - this.top - FOOT - 2);
    pen.lineTo(to, this.height - this.top);
    pen.stroke();
  }
}
