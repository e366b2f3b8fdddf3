// Shows what differs in a page that was fetched again: every element with `data-live="key"` becomes the one with the same key.
// What somebody is typing, choosing or marking stays until they are done.
import { say } from "./connection.js";
import { isHeld, hold } from "./feeds.js";
import { patch } from "./patch.js";

const WOKEN = 1600;

export function swap(fresh) {
  if (fresh.title && document.title !== fresh.title) document.title = fresh.title;
  const grown = [];
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${CSS.escape(old.dataset.live)}"]`);
    if (!next || old.isEqualNode(next) || old.parentElement.closest("[data-live]") || isBusy(old)) continue;
    if (isHeld(old)) hold(old, next);
    else patch(old, next, grown);
  }
  grown.filter((each) => each.isConnected).forEach(wake);
  tell(grown);
}

function isBusy(element) {
  if (element.querySelector("dialog[open], :popover-open")) return true;
  const marked = getSelection();
  if (marked && !marked.isCollapsed && marked.rangeCount && marked.getRangeAt(0).intersectsNode(element)) return true;
  return [...element.querySelectorAll("input, select, textarea")].some((field) => field === document.activeElement || isChanged(field));
}

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return field.type !== "hidden" && field.value !== field.defaultValue;
  const chosen = [...field.options].findLastIndex((each) => each.defaultSelected);
  return field.multiple ? [...field.options].some((each) => each.selected !== each.defaultSelected) : field.selectedIndex !== Math.max(0, chosen);
}

function wake(element) {
  element.classList.add("woken");
  setTimeout(() => element.classList.remove("woken"), WOKEN);
}

// One figure for screen readers, the first that has grown; the others are on the page.
function tell(grown) {
  const stat = grown.map((each) => each.closest(".stat")).find(Boolean);
  const label = stat?.querySelector(".label, dt"), figure = stat?.querySelector(".figure");
  if (label && figure) say(`${label.textContent.trim()}: ${figure.textContent.trim()}`);
}
