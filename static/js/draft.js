/**
 * A draft's form: saves by itself while somebody types, says so in words, and opens the preview in a window of its own.
 * Without it every button still works: this only spares a press.
 */

const LOOK_EVERY_MS = 2000;
const SAVE_AT_LEAST_EVERY_MS = 20000;
const bar = document.querySelector("[data-autosave]");
const form = bar?.closest("form");
const state = document.getElementById("autosave-state");
const compare = document.getElementById("autosave-compare");

const text = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string")
  .filter(([name]) => !["csrfmiddlewaretoken", "read_version", "read_number"].includes(name))).toString();

let kept = null; // what the server has; null until somebody begins, for the editor may tidy the text when it opens
let seen = "";
let changedAt = 0;
let savedAt = Date.now();
let refused = ""; // the text that the server would not take: it is not sent again until it changes
let stopped = false;
let running = null;

const say = (words, offerCompare = false) => {
  state.textContent = words;
  compare.hidden = !offerCompare;
};

async function send(extra = {}) {
  const sent = text();
  const body = new FormData(form);
  for (const [name, value] of Object.entries(extra)) body.set(name, value);
  const response = await fetch(bar.dataset.autosave, { method: "POST", body, headers: { Accept: "application/json" } });
  const answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : null;
  if (response.ok && answer) {
    form.elements.read_version.value = answer.version;
    form.elements.read_number.value = answer.number;
    kept = sent;
    savedAt = Date.now();
    say(text() === sent ? answer.words : "Unsaved changes");
    return answer;
  }
  if (response.status === 409) stopped = true;
  else refused = sent;
  say(answer?.words ?? "Not saved by itself. Press Save draft.", response.status === 409);
  return null;
}

function save(extra) {
  running ??= send(extra)
    .catch(() => { say("No connection: not saved yet"); return null; })
    .finally(() => { running = null; });
  return running;
}

function look() {
  if (kept === null || stopped || running) return;
  const now = text();
  if (now !== seen) {
    seen = now;
    changedAt = Date.now();
  }
  if (now === kept || now === refused) return;
  const quiet = Date.now() - changedAt >= LOOK_EVERY_MS;
  if (quiet || Date.now() - savedAt >= SAVE_AT_LEAST_EVERY_MS) {
    say("Saving…");
    save();
  } else say("Unsaved changes");
}

async function preview(event) {
  if (stopped || event.ctrlKey || event.metaKey) return; // the plain form shows what is in the way
  event.preventDefault();
  const page = window.open("about:blank");
  if (running) await running;
  const answer = await save({ _with_preview: "1" });
  if (answer?.preview && page) {
    page.opener = null;
    page.location = answer.preview;
  } else page?.close();
}

function begin() {
  kept ??= seen = text();
}

if (form && state) {
  for (const kind of ["focusin", "pointerdown", "keydown"]) form.addEventListener(kind, begin, { once: true });
  setInterval(look, LOOK_EVERY_MS / 2);
  document.addEventListener("visibilitychange", () => { if (document.hidden) look(); });
  form.querySelector("button[name=_preview]")?.addEventListener("click", preview);
  form.addEventListener("submit", async (event) => {
    if (!navigator.onLine) { // the browser's own page of errors would take the place of what was typed
      event.preventDefault();
      say("No connection: not saved yet");
      return;
    }
    if (!running) {
      stopped = true; // the form itself saves now
      return;
    }
    event.preventDefault();
    await running;
    stopped = true;
    form.requestSubmit(event.submitter);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); }); // its version may be old
}
