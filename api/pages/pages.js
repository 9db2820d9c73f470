"use strict";

// A secret in the address is for whoever holds the link: it goes into the page, and out of the address bar and the history.
const secret = location.hash.slice(1);
const places = document.querySelectorAll("[data-from-fragment]");
if (secret && places.length) {
  history.replaceState(null, "", location.pathname + location.search);
  for (const place of places) {
    place.value = secret;
    if (place.tagName === "INPUT") place.closest(".field").hidden = true;
  }
}

for (const button of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const show = button.textContent;
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? show : button.dataset.hide;
    button.setAttribute("aria-pressed", String(!shown));
  });
}

document.querySelector("[data-focus]")?.focus();
