// Asks before the page of an editor is left with what nobody has saved. `data-unsaved="typed"` says that the page has come back with
// such typing already.
const form = document.querySelector("form[data-unsaved]");

if (form) {
  let typed = form.dataset.unsaved === "typed";
  const change = () => (typed = true);
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  // A button that shows something in a frame leaves the page as it is; one of a dialog saves what the page asked about.
  document.addEventListener("submit", (event) => {
    const saves = event.target === form || event.target.closest("dialog");
    if (saves && !event.submitter?.formTarget && !event.target.target) typed = false;
  });
  addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
}
