// What the widgets do not do themselves. The upload: take a dropped picture, refuse at once what is too large to be sent,
// and say that it is being sent.
const LIMIT = 200; // MB, as in artnb.images

const open = HTMLInputElement.prototype.click; // how the widget opens the dialog; its input is not in the page
let dropped = null;
let pressed = null;

HTMLInputElement.prototype.click = function () {
  if (this.type !== "file") return open.call(this);
  this.chooser = pressed;
  this.addEventListener("change", refuse, true); // the same one again if a dialog was left without a file
  if (!dropped) return open.call(this);
  this.files = dropped;
  this.dispatchEvent(new Event("change"));
};

function refuse(event) {
  const chooser = event.target.chooser;
  chooser?.querySelector(".artnb-refused")?.remove();
  const file = event.target.files[0];
  if (!file) return;
  const line = document.createElement("p");
  chooser?.append(line);
  if (file.size > LIMIT * 1024 ** 2) {
    event.stopImmediatePropagation();
    line.className = "artnb-refused artnb-error";
    line.setAttribute("role", "alert");
    line.textContent = `The picture is larger than ${LIMIT} MB; make it smaller and try again.`;
    return;
  }
  line.setAttribute("role", "status");
  line.textContent = "Your picture is being sent …";
  new MutationObserver((changes, watch) => { // until the kernel says something of it
    if (!changes.some((change) => change.target.closest(".widget-html"))) return;
    line.remove();
    watch.disconnect();
  }).observe(chooser, { childList: true, subtree: true });
}

let button = null; // that was pressed last; while it works it is disabled, and loses the focus
document.addEventListener("click", (event) => {
  pressed = event.target.closest?.(".artnb-chooser");
  button = event.target.closest?.("button");
}, true);
new MutationObserver(() => {
  if (button && !button.disabled && document.activeElement === document.body) button.focus({ preventScroll: true });
}).observe(document.body, { attributes: true, attributeFilter: ["disabled"], subtree: true });

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
