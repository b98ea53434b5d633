// ---- Search: which events are meant by `type:Result stream:order-1 amount > 100 "free text"` --------------------------------

const OPERATORS = {
  ">": (order) => order > 0, ">=": (order) => order >= 0, "<": (order) => order < 0, "<=": (order) => order <= 0,
  "=": (order) => order === 0, "!=": (order) => order !== 0, // also of two that cannot be compared
};
const SPELLINGS = { "==": "=", "≥": ">=", "≤": "<=", "≠": "!=" };
const TOKEN = /\s*(?:(type|stream):((?:"[^"]*"|[^\s"])*)|("[^"]*")|(>=|<=|!=|==|=|>|<|≥|≤|≠)|("[^"]*$)|([^\s"<>=!≥≤≠]+|!))/giy;
const bare = (text) => text.replace(/"/g, "");

function tokens(query) {
  const found = [];
  TOKEN.lastIndex = 0;
  for (let match; TOKEN.lastIndex < query.length && (match = TOKEN.exec(query)); ) {
    const [, names, list, quoted, operator, open, word] = match;
    if (names) found.push({ kind: names.toLowerCase(), values: list.split(",").map(bare).filter(Boolean) });
    else if (quoted) found.push({ kind: "text", text: bare(quoted), quoted: true });
    else if (operator) found.push({ kind: "operator", operator: SPELLINGS[operator] ?? operator });
    else if (open) found.push({ kind: "open", text: open });
    else if (word) found.push({ kind: "text", text: word });
  }
  return found;
}

const problemOf = (token, before, after) => {
  if (token.kind === "open") return `${token.text} has no closing quote`;
  const { operator } = token;
  if (operator) return before?.kind === "text" ? `${before.text} ${operator} what?` : `which field is ${operator} ${after?.text ?? "…"}?`;
  if (token.values && !token.values.length) return `${token.kind}: which one?`;
  const colon = token.quoted ? -1 : token.text?.search(/^[a-z_]+:/i);
  return colon === 0 ? `${token.text} is not understood: type: or stream:, or "${token.text}" in quotes` : "";
};

/** A query as terms that must all hold; what cannot be understood is said in `problem`, and then nothing is searched for. */
export function parseQuery(query) {
  const found = tokens(query);
  const terms = [];
  for (let index = 0; index < found.length; index += 1) {
    const [token, next, value] = [found[index], found[index + 1], found[index + 2]];
    if (token.kind === "text" && next?.kind === "operator" && value?.kind === "text") {
      terms.push({ kind: "field", path: token.text, operator: next.operator, value: value.text });
      index += 2;
      continue;
    }
    const unfinished = token.kind === "text" && next?.kind === "operator" ? problemOf(next, token) : problemOf(token, found[index - 1], next);
    if (unfinished) return { terms: [], problem: unfinished };
    terms.push(token);
  }
  return { terms, problem: "" };
}

/** The names after `type:` in a query. */
export const typesIn = (query) => parseQuery(query).terms.filter(({ kind }) => kind === "type").flatMap(({ values }) => values);

const quotedName = (name) => (/[\s,"]/.test(name) ? `"${bare(name)}"` : name);

/** The query with these types chosen as well, or no longer if they were; the rest of it stays. */
export function toggleTypes(query, names) {
  const chosen = typesIn(query);
  const all = names.every((name) => chosen.includes(name));
  const kept = all ? chosen.filter((name) => !names.includes(name)) : [...new Set([...chosen, ...names])];
  const rest = query.replace(/(^|\s)type:(?:"[^"]*"|[^\s"])*/gi, "").trim();
  return [kept.length ? `type:${kept.map(quotedName).join(",")}` : "", rest].filter(Boolean).join(" ");
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DAY = /^\d{4}-\d\d(-\d\d([ T][\d:.]*)?)?$/;

/** Negative, 0 or positive as `found` lies before, at or after `wanted` (a text); NaN if the two cannot be compared. Numbers as numbers. */
export function ordering(found, wanted) {
  const text = scalarText(found, Infinity);
  if (NUMBER.test(wanted)) return NUMBER.test(text) ? Number(text) - Number(wanted) : NaN;
  if (NUMBER.test(text)) return NaN;
  const cut = DAY.test(wanted) ? text.slice(0, wanted.length).replace("T", " ") : text.toLowerCase(); // "= 2014-05-11" is the whole day
  const other = DAY.test(wanted) ? wanted.replace("T", " ") : wanted.toLowerCase();
  return cut < other ? -1 : Number(cut > other);
}

/** Whether `test` holds for a value at this path, anywhere in a tree; the items of a list are looked at one by one. */
function someAt(tree, path, test) {
  if (!isNested(tree)) return false;
  if (Array.isArray(tree)) return tree.some((item) => someAt(item, path, test));
  return tree.map.some(([key, value]) => {
    if (key === path && (isNested(value) ? Array.isArray(value) && value.some((item) => !isNested(item) && test(item)) : test(value))) return true;
    return (path.startsWith(`${key}.`) && someAt(value, path.slice(key.length + 1), test)) || someAt(value, path, test);
  });
}

/** Whether a text in small letters stands in a key or a value of a tree. */
function hasText(tree, text) {
  if (!isNested(tree)) return tree !== null && scalarText(tree, Infinity).toLowerCase().includes(text);
  if (Array.isArray(tree)) return tree.some((item) => hasText(item, text));
  return tree.map.some(([key, value]) => key.toLowerCase().includes(text) || hasText(value, text));
}

const fieldTest = ({ path, operator, value }) => {
  const test = (found) => OPERATORS[operator](ordering(found, value));
  return ({ payload, metadata, position, version, recorded, occurred }) => {
    const envelope = [["position", position], ["version", version], ["recorded", new Date(recorded).toISOString()], ["occurred", new Date(occurred).toISOString()]];
    return someAt(payload, path, test) || someAt(metadata, path, test) || envelope.some(([name, found]) => name === path && test(found));
  };
};

const textTest = ({ text }) => {
  const small = text.toLowerCase();
  return ({ type, stream, payload, metadata }) =>
    type.toLowerCase().includes(small) || stream.toLowerCase().includes(small) || hasText(payload, small) || hasText(metadata, small);
};

/** For each name of these whether it is meant: it is one of `values`, with or without its prefix; or, where none is, holds one of them. */
export function chosenNames(names, values) {
  const small = names.map((name) => name.toLowerCase());
  const wanted = values.map((value) => value.toLowerCase());
  const exact = (value) => small.some((name) => name === value || typeParts(name)[1] === value);
  return small.map((name) => wanted.some((value) => (exact(value) ? name === value || typeParts(name)[1] === value : name.includes(value))));
}

/** A function that says of a row of a line whether all terms hold for its event. Types and streams are looked at before an event is read. */
export function matcher(terms, line) {
  const lists = terms.filter(({ kind }) => kind === "type" || kind === "stream");
  const tables = [line.trace, line.branch].map((trace) => trace && lists.map(({ kind, values }) => [trace[kind], chosenNames(trace[`${kind}s`], values)]));
  const tests = terms.filter((term) => !lists.includes(term)).map((term) => (term.kind === "field" ? fieldTest(term) : textTest(term)));
  return (row) => {
    const [trace, number] = line.place(row);
    for (const [numbers, meant] of tables[trace === line.trace ? 0 : 1]) if (!meant[numbers[number - 1]]) return false;
    if (!tests.length) return true;
    const event = trace.event(number);
    return tests.every((test) => test(event));
  };
}

const IDLE = {
  now: () => performance.now(),
  later: (act) => (window.requestIdleCallback ? requestIdleCallback(act, { timeout: 120 }) : setTimeout(act, 12)),
};

/** Call `work(row)` for the rows 1 … count in slices of at most `slice` ms, `tell(done)` after each; the function returned ends it. */
export function inSlices(count, work, tell, { now, later } = IDLE, slice = 7) {
  let [row, over] = [0, false];
  const go = () => {
    if (over) return;
    for (const until = now() + slice; row < count && now() < until; ) work((row += 1));
    tell(row);
    if (row < count && !over) later(go);
  };
  later(go);
  return () => (over = true);
}

/** The search of a session: it follows the query and the line, and puts what it finds on the desk as `matches`. */
export class Search {
  constructor(session, time = IDLE) {
    this.session = session;
    this.time = time;
    this.stop = () => {};
    session.desk.listen((name) => name === "query" && this.begin());
    session.listen(() => this.#beginAnew());
    this.begin();
  }

  /** The rows of another line are others. */
  #beginAnew() {
    this.session.desk.set("matches", null);
    this.begin();
  }

  begin() {
    const { desk, line } = this.session;
    const { terms } = parseQuery(desk.query);
    this.stop();
    if (!terms.length) return void desk.set("matches", null);
    const [meant, rows] = [matcher(terms, line), new Uint32Array(line.length)];
    const total = line.length;
    let [found, told] = [0, -Infinity];
    const look = (row) => meant(row) && (rows[found++] = row);
    const tell = (done) => {
      if (done < total && this.time.now() < told + 120) return;
      told = this.time.now();
      desk.set("matches", { rows: rows.subarray(0, found), done, total, busy: done < total });
    };
    this.stop = inSlices(total, look, tell, this.time);
  }
}

const searches = new WeakMap();

/** The one search of a session, however many views it has. */
export function searchOf(session) {
  if (!searches.has(session)) searches.set(session, new Search(session));
  return searches.get(session);
}
