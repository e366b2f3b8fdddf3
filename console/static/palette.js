// The command palette: the page `/search` in a dialog, with arrows and Enter. Ctrl-K, / and every link `data-palette` open it.
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("[role=listbox]");
const status = dialog?.querySelector("[role=status]");
const WAIT = 120; // milliseconds after the last key until it is asked

let timer = 0, asking = null, opener = null;

export function openPalette() {
  if (!dialog || dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
  input.select();
  ask();
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const address = new URL(document.querySelector("[data-palette]").href);
  if (input.value.trim()) address.searchParams.set("q", input.value.trim());
  try {
    const answer = await fetch(address, { signal: asking.signal, cache: "no-store" });
    if (!answer.ok || answer.redirected) return location.assign(address);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = "The server does not answer. Try again in a moment.";
  }
}

function show(page) {
  const groups = [...page.querySelectorAll(".found")].map((found) => {
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", found.getAttribute("aria-label"));
    const title = Object.assign(document.createElement("p"), { className: "small quiet", textContent: found.getAttribute("aria-label") });
    title.setAttribute("aria-hidden", "true");
    group.append(title, ...[...found.querySelectorAll("a")].map(option));
    return group;
  });
  list.replaceChildren(...groups);
  options().forEach((each, place) => (each.id = `palette-${place}`));
  choose(0);
  const count = options().length;
  status.textContent = count ? `${count} found` : page.querySelector("#found .note")?.textContent.trim() ?? "";
}

function option(link) {
  const shown = document.importNode(link, true);
  shown.setAttribute("role", "option");
  shown.tabIndex = -1;
  return shown;
}

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => options().findIndex((each) => each.getAttribute("aria-selected") === "true");

function choose(place) {
  const all = options();
  const next = all.length && (place + all.length) % all.length;
  all.forEach((each, number) => each.setAttribute("aria-selected", String(number === next)));
  if (all.length) {
    input.setAttribute("aria-activedescendant", all[next].id);
    all[next].scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

if (dialog) {
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen() + step);
    else if (event.key === "Enter") options()[chosen()]?.click();
    else if (event.key === "Escape") dialog.close();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => opener?.focus());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
}
