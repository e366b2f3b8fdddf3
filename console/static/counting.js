// What takes a while to count is shown when the page is there: `data-count-from` names where it is, and every part with
// `data-counted` becomes the one of that name there. Without it, a link on the page leads to the same.
// A segment's builder: the count follows the typing, and a condition asks for what its kind needs. Without it, the form's
// buttons do the same.
const PAUSE = 500; // milliseconds after the last key
const form = document.querySelector("form[data-counts]");
let timer = 0, asked = null;

// `rules` says that the conditions themselves are shown again, because one of them is of another kind now.
async function count(rules) {
  clearTimeout(timer);
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal, redirect: "error" });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"), rules);
  } catch (error) {
    if (error.name !== "AbortError") return; // the last count stays; the next key tries again
  }
}

function show(fresh, rules) {
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-counted]")) {
    const next = fresh.querySelector(`[data-counted="${CSS.escape(part.dataset.counted)}"]`);
    if (next && (rules || part.dataset.counted !== "rules")) part.replaceChildren(...next.childNodes);
  }
  if (focused) document.getElementById(focused)?.focus();
}

if (form) {
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.target.name !== "name") timer = setTimeout(count, PAUSE, false);
  });
  form.addEventListener("change", (event) => {
    if (/^(kind|compare|join|about):/.test(event.target.name)) count(true);
  });
}

const uncounted = document.querySelector("[data-count-from]");
if (uncounted) {
  asked = new AbortController(); // what is typed meanwhile is counted instead
  fetch(uncounted.dataset.countFrom, { signal: asked.signal })
    .then(async (answer) => {
      // A refusal is shown by those parts as well; any other page has none of them.
      if (!answer.redirected) show(new DOMParser().parseFromString(await answer.text(), "text/html"), false);
    })
    .catch(() => {}); // the link to the same count stays
}
