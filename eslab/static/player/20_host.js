// ---- Host: a notebook's widget model, or a page, on one side; session and views on the other ----------------------------------

const PATIENCE = 8000; // ms after which it is said that no answer has come

/** Keep `model`'s position and the playback's the same; the kernel hears of it at most once a frame. */
function connectPosition(model, { playback }) {
  let waiting = false;
  const send = () => {
    if (model.get("position") === playback.position) return;
    model.set("position", playback.position);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      model.save_changes();
    });
  };
  const follow = () => {
    playback.goTo(model.get("position"));
    send(); // a linked slider may have a wider range
  };
  playback.goTo(model.get("position"));
  model.on("change:position", follow);
  const stop = playback.listen(send);
  return () => (stop(), model.off("change:position", follow));
}

const asNotes = (pairs) => new Map((pairs ?? []).map(([row, text]) => [row, text]));
const asPairs = (notes) => [...notes].sort(([one], [other]) => one - other);

/** Keep `model`'s notes and those on the desk the same. */
function connectNotes(model, { desk }) {
  const read = () => asNotes(model.get("_notes"));
  const text = (notes) => JSON.stringify(asPairs(notes));
  const follow = () => text(read()) === text(desk.notes) || desk.set("notes", read());
  const stop = desk.listen((name) => {
    if (name !== "notes" || text(read()) === text(desk.notes)) return;
    model.set("_notes", asPairs(desk.notes));
    model.save_changes();
  });
  desk.set("notes", read());
  model.on("change:_notes", follow);
  return () => (stop(), model.off("change:_notes", follow));
}

const isEmpty = (bytes) => !bytes || (bytes.byteLength ?? bytes.length) === 0;
const branchOf = (bytes, trace) => (isEmpty(bytes) ? null : new Trace(bytes, trace));

/** Show the branch that the kernel sends, and why it sends none. */
function connectBranch(model, session) {
  const { desk } = session;
  const answered = () => {
    clearTimeout(session.patience);
    desk.set("waiting", null);
  };
  const asked = () => new Set(model.get("_skipped") ?? []);
  const follow = () => {
    try {
      session.accepted = asked();
      desk.set("message", "");
      session.setBranch(branchOf(model.get("_branch"), session.trace));
    } catch (error) {
      desk.set("message", `The branch cannot be read: ${error.message}`);
    }
    answered();
  };
  const refused = () => {
    if (!model.get("_refused")) return;
    desk.set("message", model.get("_refused"));
    desk.set("skipped", session.accepted);
    model.set("_skipped", [...session.accepted]);
    model.save_changes();
    answered();
  };
  const skipped = () => desk.set("skipped", asked());
  const events = [["change:_branch", follow], ["change:_refused", refused], ["change:_skipped", skipped]];
  for (const [name, act] of events) model.on(name, act);
  session.accepted = asked();
  desk.set("skipped", asked());
  return () => events.forEach(([name, act]) => model.off(name, act));
}

/** Send a wish to the kernel; say so if no answer comes. */
function askOf(model, session) {
  return (name, value) => {
    const text = "No answer yet: the kernel is busy, or this notebook has none running. The answer is shown when it comes.";
    model.set("_refused", ""); // so that the same refusal again is news
    model.set(name, value);
    model.save_changes();
    clearTimeout(session.patience);
    session.patience = setTimeout(() => session.desk.waiting !== null && session.desk.set("message", text), PATIENCE);
  };
}

/** Make the keyframes while nothing else is going on, a few milliseconds at a time; again for each new branch. */
function prepareInIdleTime(session) {
  let timer;
  const work = () => {
    const until = performance.now() + 6;
    const replays = [session.history, session.branch].filter(Boolean);
    while (performance.now() < until) if (!replays.some((replay) => replay.prepare())) return;
    timer = setTimeout(work, 10);
  };
  const begin = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(work, pause);
  };
  begin(300);
  const stop = session.listen(() => begin(100));
  return () => (stop(), clearTimeout(timer));
}

function explain(parent, error) {
  const words = make("p", { class: "eslab-error", role: "alert" }, visible(`The player cannot be shown: ${error.message}`, 800));
  parent.append(make("div", { class: "eslab-frame" }, make("div", { class: "eslab-player", "data-only": "error" }, words)));
}

/** A session for a trace and, where there is one, a branch of it. */
function sessionOf(trace, branch) {
  if (isEmpty(trace)) throw new Error("found none in this page: run the cell again to make the player");
  const session = new Session(new Trace(trace));
  const found = branchOf(branch, session.trace);
  if (found) session.setBranch(found);
  return session;
}

/** A player in a page of its own: `trace` and `branch` are JSON lines (text or bytes, "" for no branch), `notes` a list of [position, text]. */
export function mountPage(element, { trace, branch = "", notes = [], position = 0 }) {
  try {
    const session = sessionOf(trace, branch);
    session.desk.set("notes", asNotes(notes));
    session.playback.goTo(position);
    prepareInIdleTime(session);
    session.view = new View(element, session);
    return session;
  } catch (error) {
    explain(element, error);
    return null;
  }
}

/** One player, as anywidget asks for it: called once for each model; `initialize` once, `render` for each view of it. */
export default () => {
  let session, failure;
  return {
    initialize({ model }) {
      try {
        session = sessionOf(model.get("_trace"), model.get("_branch"));
      } catch (error) {
        failure = error;
        return undefined;
      }
      session.ask = askOf(model, session);
      const stops = [connectPosition(model, session), connectNotes(model, session), connectBranch(model, session), prepareInIdleTime(session)];
      return () => (session.playback.pause(), clearTimeout(session.patience), stops.forEach((stop) => stop()));
    },
    render({ el }) {
      if (failure) return explain(el, failure);
      const view = new View(el, session);
      return () => view.dispose();
    },
  };
};
