// What the widgets do not do themselves. The upload: take a dropped picture, and refuse at once what is too large to be sent.
const LIMIT = 200; // MB, as in artnb.images

const open = HTMLInputElement.prototype.click; // how the widget opens the dialog; its input is not in the page
let dropped = null;
let pressed = null;

HTMLInputElement.prototype.click = function () {
  if (this.type !== "file") return open.call(this);
  const chooser = pressed;
  this.addEventListener("change", (event) => refuse(event, chooser), { capture: true, once: true });
  if (!dropped) return open.call(this);
  this.files = dropped;
  this.dispatchEvent(new Event("change"));
};

function refuse(event, chooser) {
  chooser?.querySelector(".artnb-refused")?.remove();
  const file = event.target.files[0];
  if (!file || file.size <= LIMIT * 1024 ** 2) return;
  event.stopImmediatePropagation();
  const line = document.createElement("p");
  line.className = "artnb-refused artnb-error";
  line.setAttribute("role", "alert");
  line.textContent = `The picture is larger than ${LIMIT} MB; make it smaller and try again.`;
  chooser?.append(line);
}

document.addEventListener("click", (event) => (pressed = event.target.closest?.(".artnb-chooser")), true);

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const chooser = event.target.closest?.(".artnb-chooser");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // beside a chooser, too: the browser would leave the page and show the file
    chooser?.classList.toggle("artnb-over", kind === "dragover");
    if (kind !== "drop" || !chooser || !event.dataTransfer.files.length) return;
    dropped = new DataTransfer();
    dropped.items.add(event.dataTransfer.files[0]);
    dropped = dropped.files;
    chooser.querySelector(".widget-upload").click();
    dropped = null;
  });
}

// A slider's handle does not know its label.
new MutationObserver(() => {
  for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
    handle.setAttribute("aria-label", handle.closest(".widget-inline-hbox")?.querySelector("label")?.textContent ?? "");
  }
}).observe(document.body, { childList: true, subtree: true });
