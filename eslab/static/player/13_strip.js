// ---- Strip: where each event of a line stands in a picture of all of them, and how many share a place -----------------------

export const STRIP_CLOCKS = [
  ["recorded", "in order recorded"], ["occurred", "in order occurred"], ["recorded time", "by time recorded"], ["occurred time", "by time occurred"],
];

const MOST_LANES = 6;

/** The lanes of a line: its most frequent types, most frequent first, and one lane for all others. `of` gives the lane of each row. */
export function lanesOf(line, most = MOST_LANES) {
  const counts = new Map();
  const numbers = new Uint16Array(line.length + 1);
  const names = [];
  for (let row = 1; row <= line.length; row += 1) {
    const name = line.typeName(row);
    if (!counts.has(name)) names.push(name) && counts.set(name, [names.length - 1, 0]);
    const entry = counts.get(name);
    entry[1] += 1;
    numbers[row] = entry[0];
  }
  const sorted = [...counts].sort(([, one], [, other]) => other[1] - one[1]);
  const own = sorted.length > most + 1 ? most : sorted.length;
  const lanes = sorted.slice(0, own).map(([name, [, count]]) => ({ names: [name], count }));
  const rest = sorted.slice(own);
  if (rest.length) lanes.push({ names: rest.map(([name]) => name), count: rest.reduce((sum, [, [, count]]) => sum + count, 0) });
  const laneOf = new Uint8Array(names.length);
  sorted.forEach(([, [number]], index) => (laneOf[number] = Math.min(index, own)));
  const of = new Uint8Array(line.length + 1);
  for (let row = 1; row <= line.length; row += 1) of[row] = laneOf[numbers[row]];
  return { lanes, of };
}

/** The name of a lane: "ResultRecorded", or "5 other types". */
export const laneName = ({ names }) => (names.length === 1 ? visible(typeParts(names[0])[1], 60) : `${names.length} other types`);

function timesInOrder(line, which) {
  const times = new Float64Array(line.length + 1);
  for (let row = 1; row <= line.length; row += 1) times[row] = line[which](row);
  return times;
}

/** The rows of a line sorted by these times; rows of one time stay in their order. */
function sortedRows(times) {
  const rows = Uint32Array.from({ length: times.length - 1 }, (_, index) => index + 1);
  if (rows.every((row) => row === 1 || times[row] >= times[row - 1])) return rows;
  return rows.sort((one, other) => times[one] - times[other] || one - other);
}

/**
 * The place of each row, from 0 (before anything) to 1 (the last), by one of STRIP_CLOCKS; `rows` are the rows in the order of their places.
 * By order, the places are evenly apart; by time, `from` and `to` are the first and the last time.
 */
export function placesOf(line, clock) {
  const count = line.length;
  const [which, byTime] = clock.split(" ");
  if (!byTime && which === line.trace.order) {
    return { places: Float64Array.from({ length: count + 1 }, (_, row) => (count ? row / count : 0)), rows: null, straight: true };
  }
  const times = timesInOrder(line, which);
  const rows = sortedRows(times);
  const places = new Float64Array(count + 1);
  if (!byTime) rows.forEach((row, index) => (places[row] = (index + 1) / count));
  if (!byTime || !count) return { places, rows, straight: false };
  const [from, to] = [times[rows[0]], times[rows[count - 1]]];
  for (let row = 1; row <= count; row += 1) places[row] = to > from ? (times[row] - from) / (to - from) : 0.5;
  return { places, rows, straight: false, from, to };
}

/**
 * How many events share each of `columns` places, lane by lane; every event is counted in one column. `past` counts those up to a position,
 * which `moveTo` changes, and which gives back the columns that it touched.
 */
export class Bins {
  constructor(places, laneOf, lanes, columns) {
    this.columns = Math.max(1, columns);
    this.lanes = lanes;
    this.laneOf = laneOf;
    this.column = Uint16Array.from(places, (place) => this.columnAt(place));
    this.counts = new Uint32Array(lanes * this.columns);
    this.past = new Uint32Array(lanes * this.columns);
    for (let row = 1; row < places.length; row += 1) this.counts[laneOf[row] * this.columns + this.column[row]] += 1;
    this.most = this.counts.reduce((most, count) => Math.max(most, count), 0);
    this.position = 0;
  }

  columnAt(place) {
    return Math.round(place * (this.columns - 1));
  }

  /** Count the rows up to a position as past; the columns in which that changed anything. */
  moveTo(position) {
    const touched = new Set();
    const step = position > this.position ? 1 : -1;
    for (let row = this.position + (step > 0 ? 1 : 0); row !== position + (step > 0 ? 1 : 0); row += step) {
      this.past[this.laneOf[row] * this.columns + this.column[row]] += step;
      touched.add(this.column[row]);
    }
    this.position = position;
    return touched;
  }
}

/** How many columns there is room for: one for each row and one for the start, or as many as fit if those are fewer. */
export function columnsFor(width, count, byTime, pitch = 2) {
  const room = (px) => Math.max(1, Math.floor(width / px) + 1);
  return byTime ? room(1.5 * pitch) : Math.min(count + 1, room(pitch));
}

/**
 * The row whose place is nearest to this one, the last of those that share it: what stands there when all of them have happened.
 * `rows` are in the order of their places, or null where that is the order of the line.
 */
export function nearestRow({ places, rows }, place) {
  const count = places.length - 1;
  if (!rows) return Math.max(0, Math.min(count, Math.round(place * count)));
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[rows[middle]] < place) low = middle + 1;
    else high = middle;
  }
  const far = (index) => (index >= 0 && index < count ? Math.abs(places[rows[index]] - place) : Infinity);
  let index = far(low) <= far(low - 1) ? low : low - 1;
  while (index + 1 < count && places[rows[index + 1]] === places[rows[index]]) index += 1;
  return rows[index] ?? 0;
}

/** The row of this lane whose place is nearest to `place` and not further from it than `reach`; null if there is none. */
export function nearestInLane(layout, laneOf, lane, place, reach) {
  const { places, rows } = layout;
  const count = places.length - 1;
  const start = rows ? Math.max(0, rows.indexOf(nearestRow(layout, place))) : nearestRow(layout, place) - 1;
  const rowAt = (index) => (index >= 0 && index < count ? (rows ? rows[index] : index + 1) : 0);
  const far = (row) => !row || Math.abs(places[row] - place) > reach;
  for (let step = 0; ; step += 1) {
    const near = [rowAt(start - step), rowAt(start + step)];
    const found = near.find((row) => !far(row) && laneOf[row] === lane);
    if (found) return found;
    if (step > 1 && near.every(far)) return null;
  }
}

/** What the strip shows, in words: "384 events: 380 ResultRecorded, 4 ResultCorrected; the fold fails at 2". */
export function stripText(lanes, count, failures) {
  if (!count) return "no events";
  const types = lanes.map((lane) => `${grouped(lane.count)} ${laneName(lane)}`).join(", ");
  const failed = failures ? `; the fold fails at ${grouped(failures)}` : "";
  return `${grouped(count)} ${count === 1 ? "event" : "events"}: ${types}${failed}`;
}

/** What a column holds, for the reader of the strip; empty where each event has a place of its own. */
export const scaleText = (most) => (most > 1 ? `each column: up to ${grouped(most)} events` : "");
