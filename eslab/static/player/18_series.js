// ---- Series: one field of the state over all time, kept as the moments at which it changed -----------------------------------

/** What stands at a path of a state: a scalar, the size of a mapping or list, or undefined where there is nothing. */
export function plainAt(state, path) {
  let value = state;
  for (const key of path) value = isNested(value) ? get(value, key) : undefined;
  return isNested(value) ? value.size ?? value.length : value;
}

/** A path as it is read: "Arsenal › points". */
export const pathText = (path) => path.map((key) => visible(String(key), 60)).join(" › ");

/** The paths of the plain values in a state, those that the last changes touched first; at most `limit`. */
export function pathsOf(state, changes = [], limit = 300) {
  const paths = new Map();
  const add = (path) => paths.size < limit && paths.set(pathText(path), path);
  const walk = (value, path) => {
    if (paths.size >= limit) return;
    if (!isNested(value)) return void (path.length && add(path));
    for (const [key, item] of value.entries()) walk(item, [...path, key]);
  };
  for (const { mark, path, now } of changes) if (mark === "=" || mark === "+") walk(now, path);
  walk(state, []);
  return paths;
}

/** The path that a text means: one that is offered, or the keys between "›", "/" or dots. */
export function pathFrom(text, offered = new Map()) {
  const wanted = text.trim();
  if (offered.has(wanted)) return offered.get(wanted);
  const separator = /›/.test(wanted) ? /\s*›\s*/ : /\//.test(wanted) ? /\s*\/\s*/ : /\./;
  const keys = wanted.split(separator).filter(Boolean);
  const said = keys.join(" › ").toLowerCase();
  for (const [name, path] of offered) if (name.toLowerCase() === said) return path;
  return keys;
}

/** Whether an operation at `touched` can change what stands at `path`: one is within the other, or they part in a list, where places shift. */
function concerns(touched, path) {
  for (let index = 0; index < Math.min(touched.length, path.length); index += 1) {
    if (typeof touched[index] === "number") return true;
    if (touched[index] !== String(path[index])) return false;
  }
  return true;
}

/** The values of one field; `numbers[i]` is the event after which it is `values[i]`, until the next one. Events are taken in order. */
export class Series {
  constructor(trace, path) {
    this.trace = trace;
    this.path = path;
    this.box = { root: decode(trace.start) };
    this.numbers = [0];
    this.values = [plainAt(this.box.root, path)];
  }

  take(number) {
    const patch = this.trace.patch(number).filter(([, touched]) => concerns(touched, this.path));
    if (!patch.length) return;
    applyPatch(this.box, patch);
    const value = plainAt(this.box.root, this.path);
    if (value === this.values[this.values.length - 1]) return;
    this.numbers.push(number);
    this.values.push(value);
  }

  /** The value after that many events. */
  at(number) {
    return this.values[lowerBound(this.numbers, number + 1) - 1];
  }
}

/**
 * How the values of some series are drawn: as numbers, from `low` to `high`; or, where some are not, as `levels`, named bands from the
 * bottom up. `level(value)` is 0 at the bottom and 1 at the top; null for a value that is missing.
 */
export function scaleOf(allSeries, most = 5) {
  const there = allSeries.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const numbers = there.filter(isNumeric).map(Number);
  if (numbers.length && there.every((value) => value === null || isNumeric(value))) return numberScale(numbers);
  const counts = new Map();
  for (const value of there) counts.set(scalarText(value, 30), (counts.get(scalarText(value, 30)) ?? 0) + 1);
  const names = [...counts.keys()];
  const own = names.length > most ? new Set(names.sort((one, other) => counts.get(other) - counts.get(one)).slice(0, most - 1)) : null;
  const levels = [...counts.keys()].filter((name) => !own || own.has(name));
  if (own) levels.push(`${counts.size - own.size} other values`);
  const level = (value) => {
    if (value === undefined) return null;
    const index = levels.indexOf(scalarText(value, 30));
    return levels.length > 1 ? (index < 0 ? levels.length - 1 : index) / (levels.length - 1) : 0.5;
  };
  return { levels, level };
}

function numberScale(numbers) {
  const [low, high] = numbers.reduce(([least, most], number) => [Math.min(least, number), Math.max(most, number)], [Infinity, -Infinity]);
  const level = (value) => (isNumeric(value) ? (high > low ? (Number(value) - low) / (high - low) : 0.5) : null);
  return { low, high, level };
}

/** The series of the watched field, in the history and in the branch; computed once, however many views show it. */
export class Watcher {
  constructor(session, time = IDLE) {
    this.session = session;
    this.time = time;
    this.stop = () => {};
    session.desk.listen((name) => name === "watched" && this.begin());
    session.listen(() => (session.desk.set("series", null), this.begin()));
    this.begin();
  }

  begin() {
    const { desk, history, branch } = this.session;
    this.stop();
    if (!desk.watched) return void desk.set("series", null);
    const all = [history, branch].filter(Boolean).map(({ trace }) => new Series(trace, desk.watched));
    const total = Math.max(...all.map(({ trace }) => trace.length));
    let told = -Infinity;
    const take = (number) => all.forEach((series) => number <= series.trace.length && series.take(number));
    const tell = (done) => {
      if (done < total && this.time.now() < told + 200) return;
      told = this.time.now();
      desk.set("series", { path: desk.watched, all, done, total, busy: done < total });
    };
    this.stop = inSlices(total, take, tell, this.time);
  }
}

const watchers = new WeakMap();

/** The one watcher of a session. */
export function watcherOf(session) {
  if (!watchers.has(session)) watchers.set(session, new Watcher(session));
  return watchers.get(session);
}

/** Watch the field at a path of the state (a list of keys), or with null none. */
export function watch(session, path) {
  session.desk.set("watched", path && path.length ? path : null);
}
