// What was done is said for a while, and longer while somebody points at it or has the focus in it. Without this script it stays
// until the next page.
const SHOWN = 8000;

for (const toast of document.querySelectorAll("[data-toast]")) {
  const close = toast.querySelector("button");
  let timer = 0;
  const stay = () => clearTimeout(timer);
  const leave = () => {
    stay();
    timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? leave() : toast.remove()), SHOWN);
  };
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, stay);
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, leave);
  close.hidden = false;
  close.addEventListener("click", () => toast.remove());
  leave();
}
