// Opens a page in Chromium on a phone of 390 by 844, gives it files and lets it send them. Takes one JSON argument: where everything is. Then takes
// `offline`, `online` and `end`, a line each; each is answered by a line of JSON with what the page says, and `end` waits until it has sent everything.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const { chromium, profile, page, files, screenshot } = JSON.parse(process.argv[2]);
const options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"];
const browser = spawn(chromium, options, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const [, , , commands, events] = browser.stdio;
const waiting = new Map();
const complaints = []; // of the page's console
let rest = "";
let number = 0;
let session;

events.setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  for (const message of messages) hear(JSON.parse(message));
});

function hear({ id, result, error, method, params }) {
  if (id !== undefined) {
    const [resolve, reject] = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  } else if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  else if (method === "Log.entryAdded") complaints.push(params.entry.text);
}

function tell(method, params = {}) {
  const id = ++number;
  commands.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
  return new Promise((resolve, reject) => waiting.set(id, [resolve, reject]));
}

async function evaluate(expression) {
  const { result } = await tell("Runtime.evaluate", { expression, returnByValue: true });
  return result.value;
}

async function until(condition) {
  for (;;) {
    const state = await evaluate("window.state?.()");
    if (state && condition(state)) return { ...state, complaints };
    await pause(50);
  }
}

async function open() {
  const { targetInfos } = await tell("Target.getTargets");
  const { targetId } = targetInfos.find(({ type }) => type === "page");
  ({ sessionId: session } = await tell("Target.attachToTarget", { targetId, flatten: true }));
  for (const domain of ["Page", "Runtime", "Log", "Network", "DOM"]) await tell(`${domain}.enable`);
  await tell("Emulation.setDeviceMetricsOverride", { width: 390, height: 844, deviceScaleFactor: 2, mobile: true });
  await tell("Page.navigate", { url: page });
  await until(() => true);
}

async function send() {
  const { root } = await tell("DOM.getDocument");
  const { nodeId } = await tell("DOM.querySelector", { nodeId: root.nodeId, selector: "input" });
  await tell("DOM.setFileInputFiles", { nodeId, files });
  await until((state) => state.ready);
  await evaluate("document.querySelector('button').click()");
}

// Requests under way are not ended by it: whoever holds the line does that.
async function network(online) {
  await tell("Network.emulateNetworkConditions", { offline: !online, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  return until((state) => state.online === online);
}

async function end() {
  const state = await until(({ errors, files }) => errors.length > 0 || files.every((file) => file.done));
  const { data } = await tell("Page.captureScreenshot");
  writeFileSync(screenshot, Buffer.from(data, "base64"));
  return state;
}

const orders = { offline: () => network(false), online: () => network(true), end };
try {
  await open();
  await send();
  for await (const order of createInterface({ input: process.stdin })) console.log(JSON.stringify(await orders[order]()));
} finally {
  browser.kill("SIGKILL");
}
process.exit();
