// Makes plain pages smooth. Every page works without this file.
"use strict";

// One region speaks: what a swapped-in part wants to say stands in its data-announce.
function announce(root) {
  const source = root.querySelector("[data-announce]");
  const region = document.getElementById("announce");
  if (source && region && region.textContent !== source.dataset.announce) region.textContent = source.dataset.announce;
}

// Focus goes to what the page wants to be read first: an error notice, the part that was swapped in.
function focusFirst(root) {
  const wanted = root.querySelector("[data-focus]");
  if (wanted) wanted.focus({ preventScroll: false });
}

// A form is sent once, however often its button is pressed; the back button finds it fresh.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return undefined;
  if (form.dataset.sent) {
    event.preventDefault();
    return event.stopImmediatePropagation();
  }
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
  return undefined;
}, true);
function freshen(root) {
  for (const form of root.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
}
window.addEventListener("pageshow", () => freshen(document));
document.addEventListener("htmx:afterRequest", () => freshen(document));

// Menus close by Escape and by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement && document.activeElement.closest("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

// The drop zone hands a dropped file to the plain file input.
document.addEventListener("dragover", (event) => {
  const zone = event.target.closest && event.target.closest(".form-drop");
  if (zone) { event.preventDefault(); zone.classList.add("over"); }
});
document.addEventListener("dragleave", (event) => {
  const zone = event.target.closest && event.target.closest(".form-drop");
  if (zone && !zone.contains(event.relatedTarget)) zone.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  const zone = event.target.closest && event.target.closest(".form-drop");
  if (!zone) return;
  event.preventDefault();
  zone.classList.remove("over");
  const input = zone.querySelector("input[type=file]");
  if (input && event.dataTransfer.files.length) {
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// How much of an upload has left: a bar of its own inside the form.
document.addEventListener("htmx:xhr:progress", (event) => {
  const part = event.target.querySelector && event.target.querySelector("[data-upload-progress]");
  if (!part || !event.detail.lengthComputable) return;
  const percent = Math.floor((100 * event.detail.loaded) / event.detail.total);
  part.hidden = false;
  part.querySelector("progress").value = percent;
  part.querySelector("[data-percent]").textContent = percent + "%";
});
// A part that is drawn anew stays as open as it was, so that focus finds its place in it.
document.addEventListener("htmx:beforeSwap", (event) => {
  for (const part of event.detail.target.querySelectorAll("details[id][open]")) {
    event.detail.serverResponse = event.detail.serverResponse.replace(`id="${part.id}"`, `id="${part.id}" open`);
  }
});
// A refusal while a part is refreshed (signed out, gone) concerns the whole page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status < 400 || status >= 500 || event.detail.target.id === "main") return;
  event.detail.shouldSwap = false;
  window.location.reload();
});
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => {
    (document.querySelector("[data-lost]") || document.getElementById("lost")).hidden = false;
  });
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("lost").hidden = true;
});

// Buttons that copy a text, e.g. a token that is shown once.
document.addEventListener("click", (event) => {
  const button = event.target.closest && event.target.closest("[data-copy]");
  if (button && navigator.clipboard) navigator.clipboard.writeText(button.dataset.copy).then(() => {
    document.getElementById("announce").textContent = button.dataset.copied || button.dataset.copy;
  });
});

document.addEventListener("htmx:afterSettle", (event) => { announce(event.target); focusFirst(event.target); });
document.addEventListener("DOMContentLoaded", () => { announce(document); focusFirst(document); });
