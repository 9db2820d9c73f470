// Lets Enketo make its own form of an XForm, fills that in as a person does, one control after the other, and leaves in the page what came of it.
import { Form } from "enketo-core";
import { transform } from "enketo-transformer/web";

const given = JSON.parse(document.getElementById("given").textContent);

function controls(path) {
  return [...document.querySelectorAll(`form.or [name="${path}"], form.or [data-name="${path}"]`)];
}

// The nth repeat has the nth control of each name; the choices of one question in one repeat are together.
function within(path, repeat) {
  const all = controls(path);
  if (repeat === undefined) return all;
  const holder = document.querySelectorAll(`form.or .or-repeat[name="${path.slice(0, path.lastIndexOf("/"))}"]`)[repeat];
  return all.filter((control) => holder.contains(control));
}

function answer({ path, value, repeat, file }) {
  const found = within(path, repeat);
  if (!found.length) throw new Error(`no control for ${path}`);
  if (file) {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array([255, 216, 255])], value, { type: "image/jpeg" }));
    found[0].files = transfer.files;
    found[0].dispatchEvent(new Event("change", { bubbles: true }));
  } else if (["radio", "checkbox"].includes(found[0].type)) {
    for (const one of value.split(" ")) {
      const control = found.find((each) => each.value === one);
      if (!control) throw new Error(`no choice ${one} in ${path}`);
      control.checked = true;
      control.dispatchEvent(new Event("change", { bubbles: true }));
    }
  } else {
    found[0].value = value;
    if (found[0].value !== value) throw new Error(`${path} does not take ${value}`);
    found[0].dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function invalid() {
  return [...document.querySelectorAll("form.or .invalid-required, form.or .invalid-constraint")].map((each) => {
    const control = each.querySelector("[name], [data-name]") ?? each;
    return control.dataset.name ?? control.getAttribute("name");
  });
}

async function fill() {
  const { form: html, model } = await transform({ xform: given.xform, theme: "grid" });
  document.body.insertAdjacentHTML("afterbegin", html);
  const external = [{ id: "inspections", xml: new DOMParser().parseFromString(given.inspections, "text/xml") }];
  const form = new Form(document.querySelector("form.or"), { modelStr: model, external }, { language: given.language });
  const errors = form.init();
  for (const step of given.answers) answer(step);
  const valid = await form.validate();
  const labels = [...document.querySelectorAll("form.or .question-label.active")].map((each) => each.textContent);
  return { errors, valid, invalid: invalid(), xml: form.getDataStr({ irrelevant: false }), labels };
}

fill()
  .catch((error) => ({ failure: `${error.stack}` }))
  .then((result) => {
    const shown = document.createElement("pre");
    shown.id = "result";
    shown.textContent = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(result))));
    document.body.replaceChildren(shown);
  });
