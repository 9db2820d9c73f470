// Sends photos from a page in Chromium, with the network slow, gone for a while, and back. Takes one JSON argument: where everything is, and how fast the
// network is. Prints one line of JSON: what the page says in the end, and what the console said.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const { chromium, profile, page, files, screenshot, bytesPerSecond, awaySeconds } = JSON.parse(process.argv[2]);
const browser = spawn(
  chromium,
  ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);
const [, , , commands, events] = browser.stdio;
const waiting = new Map();
const said = [];
let rest = "";
let number = 0;
let session;

events.setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  for (const message of messages.map(JSON.parse)) hear(message);
});

function hear({ id, result, error, method, params }) {
  if (id !== undefined) {
    const [resolve, reject] = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  } else if (method === "Runtime.exceptionThrown") said.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  else if (method === "Log.entryAdded") said.push(`${params.entry.text} ${params.entry.url ?? ""}`);
}

function tell(method, params = {}) {
  const id = ++number;
  commands.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
  return new Promise((resolve, reject) => waiting.set(id, [resolve, reject]));
}

async function ask(expression) {
  const { result } = await tell("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
  return result.value;
}

async function until(condition) {
  for (;;) {
    const state = await ask("window.state?.()");
    if (state && condition(state)) return state;
    await pause(50);
  }
}

const network = (more = {}) =>
  tell("Network.emulateNetworkConditions", { offline: false, latency: 60, downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond, ...more });
const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
const sent = (state) => sum(state.files.map((file) => file.sent));
const size = (state) => sum(state.files.map((file) => file.size));

try {
  const { targetInfos } = await tell("Target.getTargets");
  const { targetId } = targetInfos.find(({ type }) => type === "page");
  ({ sessionId: session } = await tell("Target.attachToTarget", { targetId, flatten: true }));
  for (const domain of ["Page", "Runtime", "Log", "Network", "DOM"]) await tell(`${domain}.enable`);
  await tell("Emulation.setDeviceMetricsOverride", { width: 390, height: 844, deviceScaleFactor: 2, mobile: true });
  await tell("Page.navigate", { url: page });
  await until(() => true);
  const { root } = await tell("DOM.getDocument");
  const { nodeId } = await tell("DOM.querySelector", { nodeId: root.nodeId, selector: "input" });
  await tell("DOM.setFileInputFiles", { nodeId, files });
  await until((state) => state.ready);
  await network();
  await ask("document.querySelector('button').click()");
  await until((state) => sent(state) > size(state) / 2);
  await network({ offline: true });
  const away = await until((state) => !state.online);
  await pause(awaySeconds * 1000);
  await network();
  const end = await until((state) => state.errors.length > 0 || state.files.every((file) => file.done));
  const { data } = await tell("Page.captureScreenshot", { format: "png" });
  writeFileSync(screenshot, Buffer.from(data, "base64"));
  console.log(JSON.stringify({ away, end, said }));
} finally {
  browser.kill("SIGKILL");
}
process.exit();
