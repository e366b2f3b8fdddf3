// Makes one element like another without replacing what is the same, so that focus, scrolling and open details stay.
const OURS = { DETAILS: ["open"], DIALOG: ["open"] }; // whoever looks at the page decides about these
const NUMBER = /^[\d,]*\.?\d+$/;

// Collects in `grown` the elements whose text is a number that has grown.
export function patch(old, next, grown = []) {
  attributes(old, next);
  const kept = new Map();
  for (const each of old.childNodes) {
    const name = nameOf(each);
    kept.set(name, [...(kept.get(name) ?? []), each]);
  }
  const wanted = [...next.childNodes].map((each) => [each, kept.get(nameOf(each))?.shift()]);
  for (const left of kept.values()) left.forEach((each) => each.remove());
  const focused = document.activeElement;
  let place = old.firstChild;
  for (const [each, same] of wanted) {
    if (!same) old.insertBefore(document.importNode(each, true), place);
    else if (same === place) place = place.nextSibling;
    else old.insertBefore(same, place);
    if (same) become(same, each, grown);
  }
  if (focused !== document.activeElement && old.contains(focused)) focused.focus({ preventScroll: true });
}

function become(old, next, grown) {
  if (old.nodeType === Node.ELEMENT_NODE) {
    if (!old.isEqualNode(next)) patch(old, next, grown);
  } else if (old.data !== next.data) {
    if (hasGrown(old.data, next.data)) grown.push(old.parentElement);
    old.data = next.data;
  }
}

// Rows are known by a key, an id or where they lead, so that a new first row moves the others instead of changing each.
export function nameOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  const { key, live } = node.dataset ?? {};
  const row = node.matches("tr, li") ? node.querySelector("a[href]")?.getAttribute("href") : "";
  return `${node.nodeName} ${node.id || key || live || row || ""}`;
}

function attributes(old, next) {
  const ours = OURS[old.tagName] ?? [];
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !ours.includes(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value && !ours.includes(name)) old.setAttribute(name, value);
  }
}

function hasGrown(before, after) {
  const [was, is] = [before, after].map((text) => text.trim());
  return NUMBER.test(was) && NUMBER.test(is) && Number(is.replaceAll(",", "")) > Number(was.replaceAll(",", ""));
}
