// What a page can do better with a script. Every action but copying works without it.
"use strict";

const announced = document.getElementById("announced");

// Copying: the buttons are hidden until a script is there to serve them.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  const label = button.firstChild.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.firstChild.textContent = "Copied";
      announced.textContent = "Copied.";
    } catch {
      // A browser may forbid it: then the text is selected, and the keyboard copies it.
      getSelection().selectAllChildren(source);
      announced.textContent = "The browser forbids copying. The text is selected: copy it with the keyboard.";
    }
    setTimeout(() => { button.firstChild.textContent = label; }, 2000);
  });
}

// Times: the reader's own beside UTC.
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = new Date(time.dateTime).toLocaleString();
}

// Countdowns: each second in the last hour, and a word once it is over.
const countdowns = [...document.querySelectorAll("time[data-countdown]")];
function leftUntil(moment) {
  const seconds = Math.max(0, Math.floor((moment - Date.now()) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (seconds === 0) return "ended";
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h left`;
  return `${hours ? `${hours}:` : ""}${hours ? two(minutes) : minutes}:${two(seconds % 60)} left`;
}
function count() {
  for (const time of countdowns) {
    const ends = new Date(time.dateTime).getTime();
    time.textContent = leftUntil(ends);
    time.classList.toggle("soon", ends - Date.now() < 300000);
  }
}
if (countdowns.length) {
  count();
  setInterval(count, 1000);
}

// What is wider than the screen and newest at its end begins there.
for (const wide of document.querySelectorAll("[data-newest-last]")) {
  wide.scrollLeft = wide.scrollWidth;
}

// What somebody waits for: the page is loaded anew, unless they are about to type something. Not for
// ever: whoever has gone away is not kept signed in by a page that they left open.
const MOST_RELOADS = 120;
for (const waiting of document.querySelectorAll("[data-reload-after]")) {
  const counted = `reloads of ${location.pathname}`;
  const reloads = Number(sessionStorage.getItem(counted) ?? 0);
  const again = () => {
    const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement.tagName);
    if (typing || document.hidden) {
      setTimeout(again, 2000);
      return;
    }
    sessionStorage.setItem(counted, reloads + 1);
    location.reload();
  };
  if (reloads < MOST_RELOADS) setTimeout(again, Number(waiting.dataset.reloadAfter) * 1000);
}

// A form that is sent is not sent twice by a second click. Where it opened a new tab, this page stays
// and is of further use.
function makeReady(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
}
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    const target = event.submitter?.formTarget || form.target;
    if (target === "_blank") setTimeout(makeReady, 2000, form);
  });
}

// Secrets do not outlive the page: not in the history, and not in a copy that a browser keeps.
addEventListener("pagehide", () => {
  for (const secret of document.querySelectorAll("[data-secret]")) secret.remove();
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form[data-once]").forEach(makeReady);
  // Whoever comes back to a form and sends it means it: it counts once more.
  for (const key of document.querySelectorAll("input[name=once]")) {
    key.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
});
