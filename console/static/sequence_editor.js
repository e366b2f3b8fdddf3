// The editor of a sequence: while somebody types, the form is sent for a check, and the answer's parts take the place of those on
// this page. The side on which somebody types stays as it is; the other one shows the same.
import { patch } from "./patch.js";

const QUIET = 500;
const form = document.querySelector("form[data-editor]");

if (form) {
  const text = form.elements.yaml;
  const from = form.elements.from;
  let timer = 0;
  let asked = 0;

  const number = () => {
    const gutter = form.querySelector(".gutter");
    const lines = text.value.split("\n").length;
    while (gutter.children.length > lines) gutter.lastElementChild.remove();
    while (gutter.children.length < lines) {
      const line = document.createElement("li");
      line.textContent = gutter.children.length + 1;
      line.id = `line-${line.textContent}`;
      gutter.append(line);
    }
  };

  // The step in which somebody types keeps what is typed; what it offers and its faults follow. `was` is the key by which the page
  // was opened: it stays while the key is typed, so that the steps that name this one follow to the new key.
  const takeAround = (part, fresh) => {
    const [steps, next] = [part, fresh].map((each) => [...each.querySelectorAll(".steps > li")]);
    if (steps.length !== next.length) return;
    steps.forEach((step, place) => {
      if (!step.contains(document.activeElement)) {
        step.innerHTML = next[place].innerHTML;
        return;
      }
      const typed = [...step.querySelectorAll("select, [name$='.was']")].map((field) => [field, field.value]);
      patch(step, next[place]);
      for (const [field, value] of typed) field.value = value;
    });
  };

  const take = (answer) => {
    const open = new Set([...form.querySelectorAll("details[open]")].map((each) => each.dataset.step));
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = answer.querySelector(`[data-part="${part.dataset.part}"]`);
      if (fresh && part.contains(document.activeElement)) takeAround(part, fresh);
      else if (fresh) part.innerHTML = fresh.innerHTML;
    }
    for (const each of form.querySelectorAll("details[data-step]")) if (open.has(each.dataset.step)) each.open = true;
    const seal = answer.querySelector('[name="yaml.seal"]');
    if (seal) form.elements["yaml.seal"].value = seal.value;
    const fresh = answer.querySelector("textarea[name=yaml]");
    if (fresh && document.activeElement !== text) text.value = fresh.value;
    document.title = answer.title;
    if (fresh) text.setAttribute("aria-invalid", fresh.getAttribute("aria-invalid") ?? "false");
    number();
  };

  const check = async () => {
    clearTimeout(timer);
    timer = 0;
    const mine = ++asked;
    const sent = new FormData(form);
    sent.set("do", "check");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(sent) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine === asked && !timer && page.querySelector("form[data-editor]")) take(page);
    } catch {
      // The next key asks again; saving says what is wrong.
    }
  };

  form.addEventListener("input", (event) => {
    if (!event.target.name) return;
    const side = event.target === text ? "yaml" : "form";
    if (timer && from.value && from.value !== side) check();
    from.value = side;
    if (side === "yaml") number();
    clearTimeout(timer);
    timer = setTimeout(check, QUIET);
  });

  form.addEventListener("click", (event) => {
    const line = Number(event.target.closest("[data-line]")?.dataset.line);
    if (!line) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const begin = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
    form.querySelector(`#line-${line}`)?.scrollIntoView({ block: "center" });
  });
}

const question = document.querySelector("dialog[data-asks]");
if (question) {
  question.close();
  question.showModal();
  question.querySelector("[data-close]").addEventListener("click", (event) => {
    event.preventDefault();
    question.close();
  });
}
