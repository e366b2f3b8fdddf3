// A feed that somebody reads keeps its rows: what is new waits behind a button, and goes in when the feed is left.
// `<ol class="feed" data-live="…" data-noun="click">`, its rows with `data-key`.
import { nameOf, patch } from "./patch.js";

const waiting = new Map(); // feed → what it becomes, and the button that says so

export function isHeld(element) {
  if (!element.matches(".feed")) return false;
  const button = waiting.get(element)?.button;
  const hovered = matchMedia("(hover: hover)").matches && (element.matches(":hover") || button?.matches(":hover"));
  return hovered || element.matches(":focus-within") || document.activeElement === button || element.scrollTop > 0;
}

export function hold(feed, next) {
  const known = new Set([...feed.children].map(nameOf));
  const count = [...next.children].filter((each) => !known.has(nameOf(each))).length;
  const held = waiting.get(feed) ?? begin(feed);
  held.next = next;
  const noun = feed.dataset.noun ?? "click";
  held.button.hidden = count === 0;
  held.button.textContent = count === 1 ? `1 new ${noun}` : `${count} new ${noun}s`;
}

function begin(feed) {
  const place = Object.assign(document.createElement("div"), { className: "held" });
  const button = Object.assign(document.createElement("button"), { className: "btn", type: "button" });
  const held = { button, next: null };
  const ended = new AbortController();
  const release = () => {
    waiting.delete(feed);
    ended.abort();
    place.remove();
    patch(feed, held.next);
  };
  const perhaps = () => setTimeout(() => waiting.get(feed) === held && !isHeld(feed) && release());
  button.addEventListener("click", () => {
    feed.scrollTop = 0;
    release();
  });
  for (const each of [feed, place]) {
    for (const name of ["pointerleave", "focusout", "scroll"]) each.addEventListener(name, perhaps, { signal: ended.signal });
  }
  place.append(button);
  const head = feed.previousElementSibling; // in it, so that nothing moves
  if (head?.matches("header")) head.append(place);
  else feed.before(place);
  waiting.set(feed, held);
  return held;
}
