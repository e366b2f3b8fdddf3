// Keeps a page up to date: hears that something has changed, fetches the page again and shows what differs.
// `<body data-events>` has the address that tells of changes. Without it, or without this script, a page stays as it was read.
import { showConnection } from "./connection.js";
import { swap } from "./swap.js";

const LEAST = 1000, SHARE = 5; // a page is fetched at most once a second, and for at most a sixth of the time
const SILENT = 40_000; // a stream says every 15 s that it lives
const LATE = [3000, 10_000]; // after the last change, for what follows from it and is no event itself, such as a counter
const POLL = 30_000; // how often a page is fetched that has no stream, because its organization has too many
const WAITS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];
const ASKED = { cache: "no-store", headers: { "X-Live": "1" } };

const events = document.body.dataset.events?.trim();
let stopped = !events;
let listening = null; // ends what is open while the page is shown
let later = [];
let changed = false, fetching = false, timer = 0, begun = -Infinity, took = 0;

function stop(state) {
  stopped = true;
  clearTimeout(timer);
  later.forEach(clearTimeout);
  listening?.abort();
  showConnection(state);
}

function hear() {
  changed = true;
  plan();
}

function hearOf() {
  hear();
  later.forEach(clearTimeout);
  later = LATE.map((wait) => setTimeout(hear, wait));
}

function plan() {
  if (stopped || fetching || timer || !changed || document.hidden) return;
  const rest = begun + Math.max(LEAST, (1 + SHARE) * took) - performance.now();
  timer = setTimeout(refresh, Math.max(0, rest));
}

async function refresh() {
  timer = 0, changed = false, fetching = true, begun = performance.now();
  try {
    await read(await fetch(location.href, { ...ASKED, signal: AbortSignal.timeout(SILENT) }));
  } catch {
    changed = true; // the next answer has everything
  }
  fetching = false, took = performance.now() - begun;
  plan();
}

async function read(answer) {
  if (new URL(answer.url).pathname.endsWith("/sign-in")) return stop("over");
  if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
  if (!answer.ok) return stop("gone");
  swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

// Returns after which time it is worth another attempt.
async function follow(signal, alive, failures) {
  const answer = await fetch(events, { ...ASKED, signal });
  if (answer.status === 401) return stop("over");
  if (answer.status === 429) {
    showConnection("slow");
    hear();
    return POLL;
  }
  if (!answer.ok) return answer.status < 500 ? stop("gone") : WAITS[failures];
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return WAITS[0];
    alive();
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    if (!lines.includes("event: changed")) continue;
    showConnection("on");
    hearOf();
  }
}

async function attempt(shown, failures) {
  const silent = new AbortController();
  let silence;
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => silent.abort(), SILENT);
  };
  alive();
  try {
    return await follow(AbortSignal.any([shown, silent.signal]), alive, failures);
  } catch {
    return WAITS[failures];
  } finally {
    clearTimeout(silence);
  }
}

async function listen() {
  if (stopped || listening || document.hidden) return;
  listening = new AbortController();
  const { signal } = listening;
  for (let failures = 0; ; failures++) {
    const since = performance.now();
    const wait = await attempt(signal, Math.min(failures, WAITS.length - 1));
    if (stopped || signal.aborted) return;
    if (wait !== POLL) showConnection("lost");
    if (wait === POLL || performance.now() - since > WAITS[3]) failures = -1; // it was well for a while
    await pause(wait * (0.75 + Math.random() / 2), signal);
    if (signal.aborted) return;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const over = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(over), resolve()), { once: true });
    addEventListener("online", resolve, { once: true, signal });
  });
}

function rest() {
  listening?.abort();
  listening = null;
  if (!stopped) showConnection("paused");
}

function look() {
  if (document.hidden) return rest();
  listen();
  plan();
}

document.addEventListener("visibilitychange", look);
addEventListener("pagehide", rest);
addEventListener("pageshow", look);
look();
