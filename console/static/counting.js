// People who are counted when the page is there: `<form data-count-from>` names the same page with its count, which takes a while.
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

const uncounted = document.querySelector("form[data-count-from]");
if (uncounted) {
  fetch(uncounted.dataset.countFrom)
    .then(async (answer) => {
      if (answer.ok && !answer.redirected) show(new DOMParser().parseFromString(await answer.text(), "text/html"), false);
    })
    .catch(() => {}); // the link to the same count stays
}
