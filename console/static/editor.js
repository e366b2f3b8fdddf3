// The editor of a campaign: the preview follows the typing, and fields that a channel does not have go away with it.
// Without it, the form's buttons do the same.
const PAUSE = 400; // milliseconds after the last key

for (const select of document.querySelectorAll("select[data-channel]")) {
  select.addEventListener("change", () => {
    const medium = select.selectedOptions[0]?.dataset.medium;
    for (const part of select.closest("[data-message]").querySelectorAll("[data-medium]:not(option)")) part.hidden = part.dataset.medium !== medium;
  });
}

const form = document.querySelector("form[data-preview]");
const into = form?.querySelector("[data-preview-into]");
const letter = form?.querySelector("[data-letter]");
let timer = 0, asked = null;

function later() {
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
}

async function show() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal, redirect: "error" });
    if (answer.ok) into.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  } catch (error) {
    if (error.name !== "AbortError") return; // the last preview stays; the next key tries again
  }
  showLetter();
}

// A new frame each time, so that the way back does not lead through all that was typed.
function showLetter() {
  const shown = form.elements["message.html"].value.trim() && !letter.hidden;
  const frame = form.querySelector("iframe[name=letter]");
  frame.closest(".letter-frame").hidden = !shown;
  if (!shown) return;
  const fresh = frame.cloneNode();
  fresh.removeAttribute("src");
  frame.replaceWith(fresh);
  form.requestSubmit(letter);
}

if (into && letter) {
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  if (form.elements["message.html"].value.trim() && !letter.hidden) showLetter();
}
