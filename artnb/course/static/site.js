"use strict";
// The search: a list of sections (index.js), fetched when somebody begins to type. Nothing leaves the page.
const box = document.getElementById("search");
box.innerHTML = '<label>Search<input type="search" autocomplete="off"></label><div id="found" role="status"></div>';
const input = box.querySelector("input"), found = document.getElementById("found");
let loading = null;

function load() { // a script, because a page that was opened as a file may not read another file
  loading ??= new Promise((ready, failed) => {
    const script = document.createElement("script");
    script.src = "index.js";
    script.onload = ready;
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

function plain(text) { return text.toLocaleLowerCase("en").normalize("NFD").replace(/\p{M}/gu, ""); }

function score(section, words) { // 0 if a word is missing; a word of the title or of the heading counts more
  let sum = 0;
  for (const word of words) {
    const inHeading = plain(section.heading).includes(word), inTitle = plain(section.title).includes(word);
    const times = plain(section.text).split(word).length - 1;
    if (!inHeading && !inTitle && !times) return 0;
    sum += 10 * inHeading + 3 * inTitle + Math.min(times, 5);
  }
  return sum;
}

function excerpt(text, word) { // around the first hit; the rest of the line is text, never HTML
  const at = Math.max(0, plain(text).indexOf(word)), start = Math.max(0, at - 50);
  const line = document.createElement("p"), mark = document.createElement("mark");
  mark.textContent = text.slice(at, at + word.length);
  line.append(start ? "… " : "", text.slice(start, at), mark, text.slice(at + word.length, at + 110), " …");
  return line;
}

async function search() {
  const words = plain(input.value).split(/\s+/).filter((word) => word.length > 1);
  if (!words.length) { found.replaceChildren(); return; }
  await load();
  const hits = SECTIONS.map((section) => [score(section, words), section]).filter(([sum]) => sum);
  hits.sort((one, other) => other[0] - one[0]);
  const list = document.createElement("ol");
  for (const [, section] of hits.slice(0, 12)) {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = section.address;
    link.textContent = section.heading === section.title ? section.title : `${section.title}: ${section.heading}`;
    link.addEventListener("click", () => found.replaceChildren());
    item.append(link, excerpt(section.text, words[0]));
    list.append(item);
  }
  found.replaceChildren(hits.length ? list : "Nothing was found.");
}

input.addEventListener("focus", load, { once: true });
input.addEventListener("input", search);
document.addEventListener("click", (event) => {
  if (!box.contains(event.target)) found.replaceChildren();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") found.replaceChildren();
});

// What is wider than the page can be scrolled with the keyboard, too.
function reach() {
  for (const box of document.querySelectorAll("main :is(pre, .wide, math[display=block])")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", reach);
reach();
