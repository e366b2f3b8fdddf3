// Says whether the page is kept up to date: in words where `data-connection` is, and to screen readers when that changes.
const WORDS = {
  on: "Live",
  slow: "Every 30 s",
  paused: "Paused",
  lost: "Not live",
  over: "Signed out",
  gone: "No longer here",
};
const SAID_EVERY = 30_000; // a screen reader hears one sentence at most as often

const status = Object.assign(document.createElement("p"), { className: "sr" });
status.setAttribute("role", "status");
document.body.append(status);

let state = "", sentence = "", saidAt = -Infinity, saying = 0;

export function showConnection(next) {
  if (next === state) return;
  const was = state;
  state = next;
  for (const place of document.querySelectorAll("[data-connection]")) {
    place.hidden = false;
    place.dataset.state = next === "on" || next === "slow" ? "on" : next === "paused" ? "paused" : "lost";
    place.replaceChildren(WORDS[next], ...(next === "lost" ? [" since ", clock(new Date())] : []), ...(next === "over" ? [": ", signIn()] : []));
  }
  if (next === "lost") say("The connection is lost. The numbers stay as they are.");
  if (next === "on" && was === "lost") say("The numbers are live again.");
  if (next === "over") say("Your session is over. Sign in again.");
}

// Says the latest sentence, and none before half a minute has passed since the one before.
export function say(next) {
  sentence = next;
  if (saying) return;
  saying = setTimeout(() => {
    saying = 0, saidAt = performance.now();
    status.textContent = sentence;
  }, Math.max(0, saidAt + SAID_EVERY - performance.now()));
}

function clock(moment) {
  const time = document.createElement("time");
  time.dateTime = moment.toISOString();
  time.textContent = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.body.dataset.zone || undefined });
  return time;
}

function signIn() {
  const link = document.createElement("a");
  link.href = location.href; // it leads to the sign-in, and back
  link.textContent = "sign in";
  return link;
}
