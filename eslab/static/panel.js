// How projections stand, one row each; Python sends what has changed, at most a few times a second.

const HEADS = ["projection", "state", "checkpoint", "lag", "events a second", "dead letters"];
const SIGNS = { good: "●", bad: "✕", wait: "◌", still: "■" };
const KINDS = { running: "good", stopped: "still", "standing by": "wait", "waiting for the store": "wait" };
const SAY_EVERY_MS = 1000;

const make = (tag, className = "") => Object.assign(document.createElement(tag), { className });
const number = (value) => value.toLocaleString("en-GB", { maximumFractionDigits: 0 });

/** A rate in at most two digits that mean something, so that it does not flicker; a dash for none. */
export const rounded = (rate) => (rate < 0.5 ? "–" : number(Number(rate.toPrecision(2))));

/** What somebody who cannot see the table is told, when it changes: no numbers that never stand still. */
export function said(rows) {
  const letters = (row) => (row.letters ? `, ${number(row.letters)} dead letter${row.letters === 1 ? "" : "s"}` : "");
  return rows.map((row) => `${row.name}: ${row.state}${letters(row)}.`).join(" ");
}

const write = (cell, text) => {
  if (cell.textContent !== text) cell.textContent = text;
};

function line(name) {
  const part = make("tbody");
  const row = part.appendChild(make("tr"));
  const head = row.appendChild(make("th"));
  [head.scope, head.dir] = ["row", "auto"];
  head.textContent = name;
  const [state, checkpoint, lag, rate, letters] = HEADS.slice(1).map(() => row.appendChild(make("td")));
  state.className = letters.className = "eslab-panel-ink";
  const behind = lag.appendChild(make("span"));
  const way = lag.appendChild(make("span", "eslab-panel-way"));
  way.setAttribute("aria-hidden", "true");
  const done = way.appendChild(make("i"));
  const below = part.appendChild(make("tr", "eslab-panel-error"));
  const error = below.appendChild(make("td"));
  [error.colSpan, error.dir] = [HEADS.length, "auto"];
  const show = (now) => {
    const kind = KINDS[now.state] ?? "bad";
    part.dataset.kind = kind;
    letters.dataset.kind = below.dataset.kind = kind === "bad" ? "bad" : now.letters ? "wait" : "";
    write(state, `${SIGNS[kind]} ${now.state}`);
    write(checkpoint, number(now.checkpoint));
    write(behind, number(now.lag));
    done.style.width = `${now.lag > 0 ? Math.floor((100 * now.checkpoint) / (now.checkpoint + now.lag)) : 100}%`;
    write(rate, rounded(now.rate));
    write(letters, number(now.letters));
    write(error, now.error);
    below.hidden = !now.error;
  };
  return { part, show };
}

function render({ model, el }) {
  const panel = make("div", "eslab-panel");
  const table = panel.appendChild(make("table"));
  const caption = table.appendChild(make("caption"));
  const heads = table.appendChild(make("thead")).appendChild(make("tr"));
  for (const text of HEADS) Object.assign(heads.appendChild(make("th")), { scope: "col", textContent: text });
  const voice = panel.appendChild(make("p", "eslab-panel-said"));
  voice.setAttribute("role", "status");
  let lines = new Map();
  let waiting = null;
  const speak = () => {
    waiting = null;
    write(voice, said(model.get("_rows")));
  };
  const update = () => {
    const rows = model.get("_rows");
    if (rows.some((row, index) => [...lines.keys()][index] !== row.name) || rows.length !== lines.size) {
      for (const { part } of lines.values()) part.remove();
      lines = new Map(rows.map((row) => [row.name, line(row.name)]));
      table.append(...[...lines.values()].map(({ part }) => part));
    }
    for (const row of rows) lines.get(row.name).show(row);
    waiting ??= setTimeout(speak, SAY_EVERY_MS);
  };
  const gone = () => write(caption, "The kernel does not answer any more: this is how it stood last.");
  model.on("change:_rows", update);
  model.on("comm_live_update", gone);
  update();
  el.append(panel);
  return () => {
    model.off("change:_rows", update);
    model.off("comm_live_update", gone);
    clearTimeout(waiting);
  };
}

export default { render };
