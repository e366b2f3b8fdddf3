// The keyboard: Ctrl-K and / find anything, g and a letter go to a place, j and k move through the rows of a list, ? shows the keys.
// None of them while somebody types.
import { openPalette } from "./palette.js";

const SECOND = 1500; // milliseconds in which the letter after g counts
const ROWS = "main a.row, main .feed a, main tbody th[scope=row] a:first-of-type";

const places = Object.fromEntries([...document.querySelectorAll("#keys [data-go]")].map((each) => [each.dataset.key, each.dataset.go]));
let waiting = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (performance.now() < waiting && places[event.key]) {
    waiting = 0;
    event.preventDefault();
    return location.assign(places[event.key]);
  }
  waiting = event.key === "g" ? performance.now() + SECOND : 0;
  const act = { "/": openPalette, "?": () => document.getElementById("keys").showModal(), j: () => move(1), k: () => move(-1) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

function isTyping(target) {
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit], [type=button])");
}

function move(step) {
  const rows = [...new Set(document.querySelectorAll(ROWS))].filter((each) => each.checkVisibility());
  if (!rows.length) return;
  const place = rows.indexOf(document.activeElement);
  rows[Math.max(0, Math.min(rows.length - 1, place < 0 ? 0 : place + step))].focus();
}
