// Files larger than one part go to the server in parts: what has arrived stays, a lost connection goes on there.
// The protocol is the core of tus 1.0. Without this script, and for small files, the form is a plain form.
"use strict";

const PAUSES = [1, 2, 4, 8, 15, 30, 30, 30]; // seconds between tries of one part

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function encoded(text) {
  return base64(new TextEncoder().encode(text));
}

class Refused extends Error {} // what no second try would change

// Attributes are read by name: form.dataset is the form's own field of that name.
class PartedUpload {
  constructor(form, file) {
    this.form = form;
    this.file = file;
    this.size = Number(form.getAttribute("data-part-size"));
    this.key = ["upload", form.elements.dataset.value, file.name, file.size, file.lastModified].join("|");
  }

  async call(method, url, headers, body) {
    const given = { "Tus-Resumable": "1.0.0", "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value };
    const answer = await fetch(url, { method, headers: { ...given, ...headers }, body, credentials: "same-origin" });
    if (answer.ok) return answer;
    if (answer.status >= 500 || [409, 423, 429, 460].includes(answer.status)) {
      if (answer.status !== 507) throw new Error(String(answer.status));
    }
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.detail || String(answer.status));
  }

  // The address of this upload and how far it is: one that broke off before, or a new one.
  async begin() {
    const known = localStorage.getItem(this.key);
    if (known) {
      const answer = await this.call("HEAD", known, {}).catch(() => null);
      if (answer) return [known, Number(answer.headers.get("Upload-Offset"))];
    }
    const metadata = `filename ${encoded(this.file.name)},dataset ${encoded(this.form.elements.dataset.value)}`;
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": metadata };
    const answer = await this.call("POST", this.form.getAttribute("data-parts"), headers);
    const url = answer.headers.get("Location");
    localStorage.setItem(this.key, url);
    return [url, 0];
  }

  async part(url, offset) {
    const part = await this.file.slice(offset, offset + this.size).arrayBuffer();
    const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
    if (crypto.subtle) {
      const digest = await crypto.subtle.digest("SHA-256", part);
      headers["Upload-Checksum"] = `sha256 ${base64(new Uint8Array(digest))}`;
    }
    return this.call("PATCH", url, headers, part);
  }

  async send(tell) {
    let [url, offset] = await this.begin();
    let tries = 0;
    for (;;) {
      try {
        const answer = await this.part(url, offset);
        offset = Number(answer.headers.get("Upload-Offset"));
        tries = 0;
        tell(offset / this.file.size);
        const made = answer.headers.get("Location");
        if (made) return made.split("/").pop();
      } catch (error) {
        if (error instanceof Refused || tries >= PAUSES.length) throw error;
        await pause(PAUSES[tries]);
        tries += 1;
        const answer = await this.call("HEAD", url, {}).catch(() => null);
        if (answer) offset = Number(answer.headers.get("Upload-Offset"));
      }
    }
  }

  forget() {
    localStorage.removeItem(this.key);
  }
}

function shown(form, share) {
  const part = form.querySelector("[data-upload-progress]");
  const percent = Math.floor(100 * share);
  part.hidden = false;
  part.querySelector("progress").value = percent;
  part.querySelector("[data-percent]").textContent = percent + "%";
}

async function sendInParts(form, file) {
  const lost = form.querySelector("[data-lost]");
  const refused = form.querySelector("[data-refused]");
  const button = form.querySelector("button.primary");
  lost.hidden = refused.hidden = true;
  button.disabled = true;
  const upload = new PartedUpload(form, file);
  try {
    shown(form, 0);
    const id = await upload.send((share) => shown(form, share));
    upload.forget();
    window.location.assign(form.getAttribute("data-next").replace("0", id));
  } catch (error) {
    button.disabled = false;
    if (error instanceof Refused) {
      upload.forget();
      refused.querySelector("[data-why]").textContent = error.message;
      refused.hidden = false;
    } else {
      lost.hidden = false;
    }
  }
}

// Before htmx hears of it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const file = form.hasAttribute("data-parts") && form.elements.file.files[0];
  if (!file || form.elements.file.files.length > 1 || file.size <= Number(form.getAttribute("data-part-size"))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  sendInParts(form, file);
}, true);
