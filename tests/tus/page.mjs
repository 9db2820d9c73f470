// A page that sends photos with Uppy, as an app of inspectors might. Where to, and for whom, stands after the # of its address.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const { endpoint, token, inspectionId } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const [input, button, list, status] = ["input", "button", "ul", "[role=status]"].map((name) => document.querySelector(name));
const uppy = new Uppy().use(Tus, { endpoint, headers: { Authorization: `Bearer ${token}` } });
const errors = [];

async function sha256(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function show() {
  const files = uppy.getFiles();
  list.replaceChildren(
    ...files.map(({ name, size, progress }) => {
      const line = document.createElement("li");
      const bar = Object.assign(document.createElement("progress"), { max: size, value: progress.bytesUploaded || 0 });
      line.append(`${name}: ${progress.uploadComplete ? "opgeslagen" : `${Math.round((bar.value / size) * 100)}%`}`, bar);
      return line;
    }),
  );
  status.textContent = `${files.filter((file) => file.progress.uploadComplete).length} van ${files.length} opgeslagen${navigator.onLine ? "" : ", geen verbinding"}`;
}

input.addEventListener("change", async () => {
  for (const file of input.files) {
    const meta = { photoId: crypto.randomUUID(), inspectionId, question: "mould", sha256: await sha256(file) };
    uppy.addFile({ name: file.name, type: file.type, data: file, meta });
  }
  button.disabled = false;
  show();
});
button.addEventListener("click", () => uppy.upload());
uppy.on("upload-progress", show).on("upload-success", show);
uppy.on("upload-error", (file, error) => errors.push(`${file.name}: ${error.message}`));
for (const name of ["online", "offline"]) addEventListener(name, show);

window.state = () => ({
  online: navigator.onLine,
  ready: !button.disabled,
  errors,
  files: uppy.getFiles().map(({ name, size, meta, progress, tus }) => ({
    name,
    size,
    photoId: meta.photoId,
    sent: progress.bytesUploaded || 0,
    done: Boolean(progress.uploadComplete),
    address: tus?.uploadUrl ?? null,
  })),
});
